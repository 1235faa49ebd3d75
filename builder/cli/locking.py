"""A selection and the lock beside its matrix: read, found good, or made where it is missing."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from builder import lock as locks
from builder import source
from builder.base import Wish
from builder.cli.screen import warn
from builder.cli.selection import Selection
from builder.errors import EnvbuildError, InputError
from builder.lock import Asked, Lock
from builder.ports import Ports
from builder.recipe import Recipe


def wish(chosen: Selection, recipe: Recipe) -> Wish:
    """Which base a recipe wants, and from where it may come."""
    os, platform = chosen.facts.os[recipe.cell.os], recipe.cell.platform
    return Wish(os=os, policy=chosen.matrix.base, platform=platform)


def every_recipe(chosen: Selection, templates: Path | None) -> tuple[Recipe, ...]:
    """The recipes of all cells that the matrix selects, whatever `--only` says."""
    everything = tuple(cell for cell in chosen.cells if cell.selected)
    return dataclasses.replace(chosen, chosen=everything).recipes(templates)


def asked(chosen: Selection, recipes: tuple[Recipe, ...], upgrade: tuple[str, ...] | None = None) -> Asked:
    """What is to be locked: `recipes` are those of every cell, the selection's are looked at now."""
    return Asked(
        matrix=chosen.matrix,
        recipes=recipes,
        wishes={recipe.cell.id: wish(chosen, recipe) for recipe in recipes},
        chosen=frozenset(cell.id for cell in chosen.chosen),
        upgrade=upgrade,
        offline=source.offline(),
    )


@contextmanager
def sources() -> Iterator[Ports]:
    """Ports for a lock that asks no engine."""
    from builder.engine.dry import DryEngine  # noqa: PLC0415
    from builder.layer.cache import Layers  # noqa: PLC0415

    opened = source.open_source(on_note=warn)
    layers = Layers(root=source.store_folder(), on_note=warn)
    yield Ports(engine=DryEngine(), source=opened, layers=layers, offline=source.offline())


def good(chosen: Selection, recipes: Sequence[Recipe]) -> Lock | None:
    """The lock beside the matrix, None where there is none. Raises `InputError` for one that is stale."""
    found = locks.read(locks.path_for(chosen.matrix.path))
    if found is not None:
        there = [recipe for recipe in recipes if found.cell(recipe.cell.id)]
        problems = locks.stale(found, chosen.matrix, there, part=True)
        if problems:
            raise InputError(problems)
    return found


def complete(
    found: Lock | None, chosen: Selection, templates: Path | None, ports: Ports, *, quiet: bool = False
) -> Lock:
    """The lock with all chosen cells in it; what was missing is locked now, and written beside the matrix."""
    made, failed = attempt(found, chosen, templates, ports, quiet=quiet)
    if failed:
        raise locks.together(failed)
    return made


def attempt(
    found: Lock | None, chosen: Selection, templates: Path | None, ports: Ports, *, quiet: bool
) -> tuple[Lock, dict[str, EnvbuildError]]:
    """The lock with those of the chosen cells that can be locked, and what is wrong with each other one.

    Raises it where no cell is left.
    """
    if found is not None and all(found.cell(cell.id) for cell in chosen.chosen):
        return found, {}
    place = locks.path_for(chosen.matrix.path)
    tell = _untold if quiet else _telling()
    tell(str(place))
    wanted = asked(chosen, every_recipe(chosen, templates))
    made, failed = locks.attempt(wanted, found, ports, tell)
    if wanted.chosen <= set(failed) or not set(failed) <= wanted.chosen:
        raise locks.together(failed)
    locks.write(made, place)
    return made, failed


def _telling() -> Callable[[str], None]:
    """Each step on a line; without a terminal with its time, as a build's steps have it."""
    begun, timed = time.monotonic(), not sys.stderr.isatty()

    def tell(step: str) -> None:
        when = f"[{time.monotonic() - begun:6.1f} s] " if timed else ""
        warn(f"{when}lock: {step}")

    return tell


def _untold(step: str) -> None:
    """Nobody wants to know."""
    del step
