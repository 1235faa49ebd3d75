"""`envbuild lock`: everything that a matrix's images are made of, pinned by content."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

import click

from builder import lock as locks
from builder.cli import locking, running, selection
from builder.cli.options import matrix_argument, only_option, source_options, templates_option
from builder.cli.screen import say, warn
from builder.cli.selection import Selection
from builder.errors import InputError, Problem
from builder.lock import Asked, Lock
from builder.recipe import Recipe
from builder.report.look import count


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A matrix's cells, and which of them `--only` is about."""

    chosen: Selection
    recipes: tuple[Recipe, ...]
    part: bool
    upgrade: tuple[str, ...] | None

    @property
    def asked(self) -> Asked:
        return locking.asked(self.chosen, self.recipes, self.upgrade)

    def stale(self, old: Lock) -> tuple[Problem, ...]:
        """What is wrong with the lock, of all cells or of those that were named."""
        wanted = {cell.id for cell in self.chosen.chosen}
        recipes = [recipe for recipe in self.recipes if not self.part or recipe.cell.id in wanted]
        return locks.stale(old, self.chosen.matrix, recipes, part=self.part)


@click.command("lock")
@matrix_argument
@click.argument("names", nargs=-1, metavar="[NAME]...")
@only_option
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 2 if the lock is not that of the matrix."
)
@click.option("--upgrade", is_flag=True, help="Take the newest of everything, or of the packages NAME alone.")
@click.option("--diff", is_flag=True, help="Show what changes. With --check: what would.")
@click.option("--list-urls", is_flag=True, help="Only list every address, image and package, with sha256.")
@source_options
@click.option("--engine", metavar="URL", help="The container engine's address, as for `envbuild build`.")
@templates_option
def command(matrix: Path, names: tuple[str, ...], only: tuple[str, ...], **options: Any) -> int:
    """Pin everything that the images of MATRIX are made of, and write it to the
    file beside it: MATRIX.lock.json. Keep that file with the matrix.

    What is pinned already stays, until --upgrade.

    \b
    Examples:
      envbuild lock matrices/team.yaml
      envbuild lock matrices/team.yaml --check
      envbuild lock matrices/team.yaml --upgrade numpy pillow --diff
      envbuild lock matrices/team.yaml --list-urls
    """
    check, diff = options["check"], options["diff"]
    if names and not options["upgrade"]:
        raise InputError.of(f"{names[0]} is one word too many", hint=f"write --upgrade {' '.join(names)}")
    wanted = _wanted(matrix, only, options["templates"], names if options["upgrade"] else None)
    place = locks.path_for(matrix)
    if check and not diff:
        return _check(wanted, place)
    old, kept = _read(place, lenient=not (check or names))
    _known(names, old, matrix)
    new = locks.settled(wanted.asked, kept) or _made(wanted, kept, options["engine"])
    if options["list_urls"]:
        return _list(new)
    told = locks.changes(old, new)
    if diff and told:
        say("\n".join(told))
    if check:
        return 2 if told or old is None or wanted.stale(old) else 0
    written = locks.write(new, place)
    warn(
        f"{place}: {count(len(new.cells), 'cell')}, {len(new.files)} files"
        + ("" if written else "; nothing changed")
    )
    return 0


def _wanted(
    matrix: Path, only: tuple[str, ...], templates: Path | None, upgrade: tuple[str, ...] | None
) -> _Wanted:
    chosen = selection.select(matrix, only)
    recipes = locking.every_recipe(chosen, templates)
    return _Wanted(chosen=chosen, recipes=recipes, part=bool(only), upgrade=upgrade)


def _check(wanted: _Wanted, place: Path) -> int:
    """0 and silence for a lock that is good. Raises `InputError` with everything that is wrong with it."""
    if wanted.upgrade is not None:
        hint = "with --diff it shows what an upgrade would change"
        raise InputError.of("--check asks nobody for newer packages", hint=hint)
    old = locks.read(place)
    problems = (locks.missing(wanted.chosen.matrix.path),) if old is None else wanted.stale(old)
    if problems:
        raise InputError(problems)
    return 0


def _read(place: Path, *, lenient: bool) -> tuple[Lock | None, Lock | None]:
    """The lock that is there, and what of it is to be kept. One that cannot be used is made anew, and said to
    be; of one that was edited the versions of its wheels are kept.
    """
    try:
        found = locks.read(place)
    except InputError as error:
        if not lenient:
            raise
        edited = _edited(place)
        warn(f"{error}: made anew" + (", with the versions of its wheels" if edited else ""))
        return edited, edited and locks.versions(edited)
    return found, found


def _edited(place: Path) -> Lock | None:
    try:
        return locks.read(place, edited=True)
    except InputError:
        return None


def _known(names: tuple[str, ...], old: Lock | None, matrix: Path) -> None:
    """Refuse the name of a package that no cell has."""
    if not names:
        return
    if old is None:
        raise InputError([locks.missing(matrix)])
    there = sorted({pin.name for cell in old.cells for pin in cell.pins})
    lost = [name for name in names if name not in there]
    if lost:
        near = difflib.get_close_matches(lost[0], there, n=1)
        hint = (
            f"did you mean {near[0]}?" if near else "add it to packages.pip; --upgrade is for what is locked"
        )
        raise InputError.of(f"no cell has a package {lost[0]}", hint=hint)


def _made(wanted: _Wanted, old: Lock | None, engine: str | None) -> Lock:
    """The new lock; an engine is looked for only where one is asked."""
    asks = locks.asks_engine(wanted.asked, old)
    with running.ports(engine) if asks else locking.sources() as outside:
        return locks.make(wanted.asked, old, outside, warn)


def _list(lock: Lock) -> int:
    say("\n".join(locks.listing(lock)))
    for why in locks.unpinned(lock):
        warn(f"not in the list, for nobody can tell them in advance: {why}")
    return 0
