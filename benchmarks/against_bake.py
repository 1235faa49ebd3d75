"""envbuild against `docker buildx bake` with the usual Dockerfile, both on one engine, in one run.

    .venv/bin/python benchmarks/against_bake.py [--store STORE] [--cells 3 8] [--many 50] [--runs N] [--write]

As root on Debian or Ubuntu, with mmdebstrap and docker-registry. Printed are seconds as median
(least…largest) of the runs, in which the sides take turns, and their ratios. `--write` puts that into
docs/performance.md, which says what is measured and how. A run of bake's 8 cells takes 5 minutes on 2 cores
that nobody else uses; for figures to keep, nobody else should.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # builder, also where it is not installed

from bake import figures, limit, weighing
from bake.engine import ROOT, Engine, opened, settle
from bake.figures import WORK, Compared, megabytes, spread
from bake.inputs import PYTHON, Inputs, prepare, weight
from bake.ours import Ours, stand_in
from bake.usual import Usual
from bake.weighing import Weight

PAGE = ROOT / "docs" / "performance.md"
SIDES = ("bake", "envbuild")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the images of one side weigh."""

    cells: int
    side: str
    engine: Weight
    registry: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of one run of this command."""

    machine: dict[str, object]
    compared: tuple[Compared, ...]
    lock: dict[int, float]
    weighed: tuple[Weighed, ...]
    limit: tuple[float, ...]
    layers: tuple[float, ...]


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", help="address of an engine to use; everything in it is removed")
    parser.add_argument("--store", default="overlay2", choices=("overlay2", "containerd"))
    parser.add_argument("--cells", type=int, nargs="+", default=[3, 8])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--many", type=int, default=50, help="cells on one base of which nothing changed; 0: none"
    )
    parser.add_argument("--provider", default="standalone", choices=("standalone", "system"))
    parser.add_argument("--only", choices=SIDES, help="one side alone; no ratios then")
    parser.add_argument("--no-bytes", action="store_true", help="weigh nothing, push nothing")
    parser.add_argument("--json", type=Path, help="write all figures to this file, too")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    return parser.parse_args()


def machine(engine: Engine, wish: argparse.Namespace, wheels: Path) -> dict[str, object]:
    """Where, with what, and how busy it was before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "provider": wish.provider,
        "wheels_bytes": weight(wheels),
        "load_before": round(os.getloadavg()[0], 1),
        **engine.told(),
    }


def compare(engine: Engine, inputs: Inputs, wish: argparse.Namespace, cells: int) -> Measured:
    """All runs with so many cells, the sides taking turns in who is first."""
    given = replace(inputs, bases=inputs.bases[:cells])
    sides = {name: side for name, side in both(engine, given, wish).items() if wish.only in (None, name)}
    engine.forget(given.bases)  # the largest count comes first: no other base is needed again
    locked = tuple((cells, side.lock()) for side in sides.values() if isinstance(side, Ours))
    seconds: dict[tuple[str, str], list[float]] = {(side, work): [] for side in SIDES for work in WORK}
    weighed, least, layers = [], [], []
    for number in range(wish.runs):
        settle()
        least.append(limit.seconds(given.wheels[0], engine.folder / "limit"))
        settle()
        layers.append(limit.layers(given.wheels[0], engine.folder / "limit", PYTHON))
        for name in list(sides)[:: -1 if number % 2 else 1]:
            engine.forget(given.bases)
            for work in WORK:
                took = getattr(sides[name], work)()
                seconds[name, work].append(took)
                say(f"{cells} cells, run {number + 1}, {name}, {work}: {took:.2f} s")
                if work == "cold" and number == 0 and not wish.no_bytes:
                    weighed.append(weigh(engine, sides[name], name))
    compared = [
        Compared(cells=cells, work=work, **{side: tuple(seconds[side, work]) for side in SIDES})
        for work in WORK
    ]
    return Measured(
        machine={},
        compared=tuple(compared),
        lock=dict(locked),
        weighed=tuple(weighed),
        limit=tuple(least),
        layers=tuple(layers),
    )


def many(engine: Engine, inputs: Inputs, wish: argparse.Namespace) -> tuple[Compared, ...]:
    """So many cells that are all the same but for their names, built before: nothing is to be done."""
    if not wish.many:
        return ()
    given = replace(inputs, bases=inputs.bases[:1] * wish.many)
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    engine.forget(given.bases)
    for name, side in both(engine, given, wish).items():
        if wish.only in (None, name):
            if isinstance(side, Ours):
                side.lock()
            side.cold()
            seconds[name] = [side.unchanged() for _ in range(wish.runs)]
            say(f"{wish.many} cells, {name}, unchanged: {seconds[name]}")
    found = {name: tuple(took) for name, took in seconds.items()}
    return (Compared(cells=wish.many, work="unchanged", **found),)


def both(engine: Engine, inputs: Inputs, wish: argparse.Namespace) -> dict[str, Usual | Ours]:
    """The two sides by name, with the same inputs."""
    listing = None
    if wish.provider == "standalone" and wish.only != "bake":
        listing = engine.folder / "mirror" / "downloads.json"
        if not listing.exists():
            stand_in(listing.parent)
    ours = Ours(engine=engine, inputs=inputs, provider=wish.provider, listing=listing)
    return {"bake": Usual(engine=engine, inputs=inputs), "envbuild": ours}


def weigh(engine: Engine, side: Usual | Ours, name: str) -> Weighed:
    """The engine's bytes and the registry's, of the images that were just built and their bases."""
    stored = weighing.in_engine(engine, side.images, side.inputs.bases)
    sent = weighing.in_registry(engine, side.images, side.inputs.bases)
    if engine.told()["store"] == "containerd":  # it keeps a layer as it is sent, too, and counts both
        stored = replace(stored, ideal=stored.ideal + sent.ideal)
    return Weighed(cells=len(side.images), side=name, engine=stored, registry=sent)


def measure(wish: argparse.Namespace) -> Measured:
    """Everything that is asked for, on one engine."""
    with opened(wish.engine, wish.store) as engine:
        say(f"the engine answers at {engine.address}; making {max(wish.cells)} bases and fetching wheels")
        inputs = prepare(engine, max(wish.cells))
        about = machine(engine, wish, inputs.wheels[0])
        largest_first = sorted(wish.cells, reverse=True)
        parts = [compare(engine, inputs, wish, cells) for cells in largest_first][::-1]
        alike = many(engine, inputs, wish)
    return Measured(
        machine=about,
        compared=(*(one for part in parts for one in part.compared), *alike),
        lock={cells: took for part in parts for cells, took in part.lock.items()},
        weighed=tuple(one for part in parts for one in part.weighed),
        limit=tuple(one for part in parts for one in part.limit),
        layers=tuple(one for part in parts for one in part.layers),
    )


def page(found: Measured) -> str:
    """The figures as Markdown."""
    about = ", ".join(f"{name} {text}" for name, text in found.machine.items())
    lines = [f"Machine and versions: {about}.", "", *figures.seconds(found.compared), ""]
    ratios = [ours / least for ours, least in zip(found.layers, found.limit, strict=True)]
    lines += [f"Content limit (copy, sha256, unzip of the wheels): {spread(found.limit)} s."]
    lines += [f"Their layers (copy, sha256, write): {spread(found.layers)} s, {spread(ratios, 2)} of that."]
    locks = "; ".join(f"{cells} cells {took:.1f} s" for cells, took in found.lock.items())
    lines += [f"`envbuild lock`, once and not in the table: {locks}."] if locks else []
    head = ("cells", "side", "in the engine", "the aim there", "in a registry", "the aim there")
    rows = [row(one) for one in found.weighed]
    return "\n".join([*lines, "", *figures.table(head, rows)] if rows else lines)


def row(one: Weighed) -> tuple[str, ...]:
    """A side's bytes. The aim is envbuild's: bases, OS packages and one environment."""
    cells = [megabytes(number) for kind in (one.engine, one.registry) for number in (kind.bytes, kind.ideal)]
    if one.side != "envbuild":
        cells[1] = cells[3] = ""
    return (str(one.cells), one.side, *cells)


def written(text: str, store: object, tables: str) -> str:
    """The page with the tables between that store's marks. Raises `ValueError` where they are missing."""
    begin, end = f"<!-- against-bake {store} -->", f"<!-- /against-bake {store} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{tables}\n{end}{rest.split(end)[1]}"


def say(text: str) -> None:
    """Progress, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    wish = asked()
    found = measure(wish)
    tables = page(found)
    print(tables)
    if wish.json:
        wish.json.write_text(json.dumps(asdict(found), indent=2) + "\n")
    if wish.write:
        PAGE.write_text(written(PAGE.read_text(), found.machine["store"], tables))


if __name__ == "__main__":
    main()
