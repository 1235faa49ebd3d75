"""What build, verify and up share: open the ports, run the pipeline over the chosen cells, report, exit
code.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import files, pipeline, recipe, records
from builder import lock as locks
from builder.cellwork import Work
from builder.cli import cache, ci, folders, locking
from builder.cli.screen import say, warn
from builder.cli.selection import Selection
from builder.errors import EnvbuildError
from builder.events import Stage
from builder.image import Locked
from builder.lock import Lock
from builder.matrix import VerifySettings
from builder.pipeline import Options, Result
from builder.ports import Ports, Shared
from builder.recipe import Recipe
from builder.report import problems, summary
from builder.report.follow import View, follow
from builder.report.look import look

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
    force: bool = False
    reverify: bool = False
    junit: Path | None = None


def flags(options: dict[str, Any]) -> Flags:
    """The flags among a command's options."""
    names = {field.name for field in dataclasses.fields(Flags)}
    return Flags(**{name: value for name, value in options.items() if name in names})


@contextmanager
def ports(engine: str | None, jobs: int = 2) -> Iterator[Ports]:
    """Engine and sources, opened and closed; containers that a killed envbuild left behind are removed
    first.
    """
    from builder.engine import connect  # noqa: PLC0415  docker-py costs 0.3 s of start-up
    from builder.layer.cache import Layers  # noqa: PLC0415
    from builder.source import offline, open_source, store_folder  # noqa: PLC0415

    bound = cache.bound()  # a setting that cannot be read is told before anything begins
    connected = connect(engine)
    try:
        connected.sweep()
        layers = Layers(root=store_folder(), on_note=warn)
        opened = Ports(
            engine=connected,
            source=open_source(on_note=warn),
            layers=layers,
            shared=Shared(jobs),
            offline=offline(),
        )
        with opened.held:
            yield opened
            opened.cancel.set()  # what a failed cell has left under way serves nobody
            opened.shared.settle()
        cache.pruned(layers.root, bound)
    finally:
        connected.close()


def run(chosen: Selection, flags: Flags, *, build: bool, verify: bool) -> int:
    """Run the stages over the chosen cells, show what happens, print the results; the exit code."""
    if empty(chosen):
        show((), None, flags)
        return 0
    folder = flags.out or folders.default(chosen.matrix)
    recipes = chosen.recipes(flags.templates)
    found = locking.good(chosen, recipes)
    folders.writable(folder)
    ci.ready(flags.junit)
    cells = [one.cell.id for one in recipes]
    with ci.answering(cells, flags.junit), ports(flags.engine, flags.jobs) as outside:
        lock, lost = _lock(found, chosen, flags, outside) if build else (found, {})
        with_gpus = verify and gpus(flags, outside)
        left = [one for one in recipes if one.cell.id not in lost]
        works = tuple(work_on(one, lock, chosen, flags, folder / one.cell.id) for one in left)
        works = tuple(dataclasses.replace(work, gpus=work.gpus and with_gpus) for work in works)
        options = Options(
            jobs=flags.jobs, fail_fast=flags.fail_fast, build=build, verify=verify, allow=allowed(flags)
        )
        stages = (*(("fetch", "build") if build else ()), *(("verify",) if verify else ()))
        seen = dataclasses.replace(
            view(len(works), stages, flags, outside),
            at_once=pipeline.AHEAD + flags.jobs,
            took=lambda: {work.recipe.cell.id: records.read_seconds(work.folder) for work in works},
        )
        outside.shared.timeline.restart()  # what making a lock took is no cell's
        results = follow(pipeline.run(works, outside, options), seen)
        about = outside.engine.about()
        records.write_run(folder, outside.shared.timeline.run(f"{about.kind} {about.version}", flags.jobs))
    results = _with_lost(recipes, results, lost, folder)
    show(results, folder, flags)
    code = max((result.exit_code for result in results), default=0)
    if code == 130:
        warn("interrupted; what was under way was stopped and undone")
    return code


def empty(chosen: Selection) -> bool:
    """Whether a part of a matrix has no cells, which is then said."""
    if not chosen.chosen:
        warn(f"this part of {chosen.matrix.path} has no cells: there is nothing to do")
    return not chosen.chosen


def _lock(
    found: Lock | None, chosen: Selection, flags: Flags, outside: Ports
) -> tuple[Lock, dict[str, EnvbuildError]]:
    """The lock, and the cells that cannot be locked: their failure is theirs, unless the first ends all."""
    lock, lost = locking.attempt(found, chosen, flags.templates, outside, quiet=flags.quiet)
    if lost and flags.fail_fast:
        raise locks.together(lost)
    return lock, lost


def _with_lost(
    recipes: Sequence[Recipe], results: Sequence[Result], lost: Mapping[str, EnvbuildError], folder: Path
) -> tuple[Result, ...]:
    """The results of all cells in their order; those that cannot be locked have their log, too."""
    found = {result.cell: result for result in results}
    for cell, error in lost.items():
        log = folder / cell / "build.log"
        files.write(log, f"== lock\n{problems.text(error.problems)}\n".encode(errors="replace"))
        found[cell] = Result(
            cell=cell, outcome="failed", problems=error.problems, log=log, exit_code=error.exit_code
        )
    return tuple(found[one.cell.id] for one in recipes)


def view(cells: int, stages: tuple[Stage, ...], flags: Flags, outside: Ports) -> View:
    """How much of a run of so many cells to show."""
    return View(cells=cells, stages=stages, stopping=outside.cancel, quiet=flags.quiet, verbose=flags.verbose)


def show(results: tuple[Result, ...], folder: Path | None, flags: Flags) -> None:
    """The results on standard output; `folder` holds their records."""
    if flags.as_json:
        say(records.dumps(summary.as_json(results)).rstrip("\n"))
    elif results:
        say(summary.as_text(results, folder, look(sys.stdout)))
    ci.results(results, flags.junit)


def gpus(flags: Flags, outside: Ports) -> bool:
    """Whether containers get GPUs: as told, else where the engine can pass them on."""
    return outside.engine.about().gpus if flags.gpus is None else flags.gpus


def allowed(flags: Flags) -> frozenset[str]:
    """What checks may wait for without failing the run."""
    return frozenset[str]().union(*(WAITS[name] for name in flags.allow))


def settings(asked: VerifySettings, flags: Flags) -> VerifySettings:
    """The matrix's settings with the command line's over them."""
    return dataclasses.replace(asked, level=flags.level) if flags.level else asked  # type: ignore[arg-type]


def locked(recipe: Recipe, chosen: Selection, lock: Lock | None) -> Locked | None:
    """What the lock pins for a recipe; None where it has nothing for it."""
    if lock is None or lock.cell(recipe.cell.id) is None:
        return None
    return Locked.of(recipe, lock, locking.wish(chosen, recipe))


def work_on(one: Recipe, lock: Lock | None, chosen: Selection, flags: Flags, folder: Path) -> Work:
    """The work on one cell, its recipe written to the cell's folder."""
    recipe.write_folder(one, folder / "recipe")
    described = {"digest": one.digest, "base": one.base, "cell": one.cell}
    records.write(folder, "recipe", {**described, "claim": one.claim, "order": one.order}, None)
    return work_of(one, lock, chosen, flags, folder)


def work_of(one: Recipe, lock: Lock | None, chosen: Selection, flags: Flags, folder: Path) -> Work:
    """The same, with nothing written."""
    matrix, cell = chosen.matrix, one.cell
    return Work(
        recipe=one,
        locked=locked(one, chosen, lock),
        folder=folder,
        settings=settings(matrix.verify, flags),
        budget=matrix.size_budget,
        gpus=cell.cuda != "cpu",
        mnist=str(flags.data.resolve()) if flags.data else None,
        force=flags.force,
        reverify=flags.reverify,
    )
