"""What build, verify and up share: open the ports, run the pipeline over the chosen cells, report, exit
code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from builder import pipeline, recipe, records
from builder.base import Wish
from builder.cellwork import Work
from builder.cli.options import out_folder
from builder.cli.selection import Selection
from builder.matrix import VerifySettings
from builder.pipeline import Options, Result
from builder.ports import Ports
from builder.report import follow, summary

WAITS = {"no-gpu": frozenset({"gpu", "two gpus"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The options of a command, as click gives them."""

    jobs: int
    fail_fast: bool
    out: Path | None
    engine: str | None
    as_json: bool
    quiet: bool
    verbose: bool
    level: str | None = None
    gpus: bool | None = None
    allow: tuple[str, ...] = ()
    data: Path | None = None
    templates: Path | None = None


def flags(options: dict[str, Any]) -> Flags:
    """The flags among a command's options."""
    names = {field.name for field in dataclasses.fields(Flags)}
    return Flags(**{name: value for name, value in options.items() if name in names})


@contextmanager
def ports(engine: str | None) -> Iterator[Ports]:
    """Engine and sources, opened and closed; containers that a killed envbuild left behind are removed
    first.
    """
    from builder.engine import connect  # noqa: PLC0415  docker-py costs 0.3 s of start-up
    from builder.source import open_source  # noqa: PLC0415

    connected = connect(engine)
    try:
        connected.sweep()
        yield Ports(engine=connected, source=open_source())
    finally:
        connected.close()


def run(chosen: Selection, flags: Flags, *, build: bool, verify: bool) -> int:
    """Run the stages over the chosen cells, show what happens, print the results; the exit code."""
    with ports(flags.engine) as outside:
        works = _works(chosen, flags, gpus=_gpus(flags, outside))
        options = Options(
            jobs=flags.jobs,
            fail_fast=flags.fail_fast,
            build=build,
            verify=verify,
            allow=frozenset().union(*(WAITS[name] for name in flags.allow)),
        )
        results = follow.follow(
            pipeline.run(works, outside, options), quiet=flags.quiet, verbose=flags.verbose
        )
    show(results, as_json=flags.as_json)
    return max((result.exit_code for result in results), default=0)


def show(results: tuple[Result, ...], *, as_json: bool) -> None:
    """The results on standard output."""
    click.echo(
        records.dumps(summary.as_json(results)) if as_json else summary.as_text(results), nl=not as_json
    )


def _gpus(flags: Flags, outside: Ports) -> bool:
    return outside.engine.about().gpus if flags.gpus is None else flags.gpus


def settings(asked: VerifySettings, flags: Flags) -> VerifySettings:
    """The matrix's settings with the command line's over them."""
    return dataclasses.replace(asked, level=flags.level) if flags.level else asked  # type: ignore[arg-type]


def _works(chosen: Selection, flags: Flags, *, gpus: bool) -> tuple[Work, ...]:
    """One piece of work per cell, its recipe written to the cell's folder."""
    matrix = chosen.matrix
    folder = flags.out or out_folder(matrix)
    works = []
    for one in chosen.recipes(flags.templates):
        recipe.write_folder(one, folder / one.cell.id / "recipe")
        described = {
            "digest": one.digest,
            "base": one.base,
            "cell": one.cell,
            "claim": one.claim,
            "order": one.order,
        }
        records.write(folder / one.cell.id, "recipe", described, None)
        works.append(
            Work(
                recipe=one,
                wish=Wish(os=chosen.facts.os[one.cell.os], policy=matrix.base, platform=matrix.platform),
                folder=folder / one.cell.id,
                settings=settings(matrix.verify, flags),
                budget=matrix.size_budget,
                gpus=gpus and one.cell.cuda != "cpu",
                mnist=str(flags.data.resolve()) if flags.data else None,
            )
        )
    return tuple(works)
