"""Aliases of a matrix: which cell each of these tags means, and which cells must be good for it to move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.cell.axes import AXES, pattern_in_tables
from builder.cell.tags import filled
from builder.cell.values import Cell
from builder.errors import Problem
from builder.facts import Facts
from builder.matrix import Alias, Matrix
from builder.names import TAG, matches, version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A tag that stands for several cells. `cells` are the ids of all that must be published for it to be
    put, `means` are those that it names: one, or as an `index` one for each platform.
    """

    tag: str
    means: tuple[str, ...]
    cells: tuple[str, ...]
    index: bool = False


def aims(cells: tuple[Cell, ...], matrix: Matrix, facts: Facts) -> tuple[Aim, ...]:
    """The aliases of the cells that are to be built.

    The newest cell is that of the newest torch, then of the newest Python, then of the newest CUDA (`cpu` is
    the oldest); of several OSes it is the one that the matrix names first.
    """
    return tuple(
        Aim(
            tag=tag,
            means=(max(members, key=_newness).id,),
            cells=tuple(cell.id for cell in members),
        )
        for alias in matrix.aliases
        for tag, members in _members(alias, cells, facts).items()
    )


def mistakes(cells: tuple[Cell, ...], matrix: Matrix, facts: Facts) -> Iterator[Problem]:
    """Aliases that mean no cell, that no registry takes, or that something else is called already."""
    taken = {tag.rpartition(":")[2]: f"the tag of {cell.id}" for cell in cells for tag in cell.tags}
    for alias in matrix.aliases:
        if not any(cell.status != "excluded" and _means(alias, cell, facts) for cell in cells):
            yield Problem(
                message=f"the alias '{alias.tag}' means no cell",
                hint="correct its patterns, or remove it; `envbuild plan` lists the cells",
                place=alias.place,
            )
        for tag in _members(alias, cells, facts):
            if not TAG.fullmatch(tag):
                hint = "a tag has up to 128 letters, digits, '_', '.' and '-'"
                yield Problem(
                    message=f"'{tag}' is not a tag that a registry takes", hint=hint, place=alias.place
                )
            elif tag in taken:
                message = f"the alias '{tag}' is {taken[tag]} already"
                yield Problem(message=message, hint="name it otherwise", place=alias.place)
            taken.setdefault(tag, f"an alias (line {alias.place.line})")


def _members(alias: Alias, cells: tuple[Cell, ...], facts: Facts) -> dict[str, list[Cell]]:
    """Tag → the cells to be built that it could mean."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.selected and _means(alias, cell, facts):
            found.setdefault(filled(alias.tag, cell.os, cell.python, cell.cuda, cell.torch), []).append(cell)
    return found


def _means(alias: Alias, cell: Cell, facts: Facts) -> bool:
    patterns = {axis: getattr(alias, axis) for axis in AXES}
    return all(
        pattern is None or matches(pattern_in_tables(axis, pattern, facts), getattr(cell, axis))
        for axis, pattern in patterns.items()
    )


def _newness(cell: Cell) -> tuple[object, ...]:
    """Nobody who asks for the newest means a free-threaded Python."""
    usual = not cell.python.endswith("t")
    return version_key(cell.torch), usual, version_key(cell.python), version_key(cell.cuda)
