"""Tags that stand for several cells: which cells each of them means, and which must be good for it to move.

These are a matrix's aliases, and with several platforms the tags of what a combination is on all of them.
"""

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
    """The tags of what a combination is on all platforms, then the aliases: of the cells to be built.

    The newest cell is that of the newest torch, then of the newest Python, then of the newest CUDA (`cpu` is
    the oldest); of several OSes it is the one that the matrix names first.
    """
    aliased = tuple(
        Aim(tag=tag, means=_newest(members), cells=_ids(members), index=len(matrix.platforms) > 1)
        for alias in matrix.aliases
        for tag, members in _members(alias, cells, facts).items()
    )
    return (*_shared(cells), *aliased)


def _shared(cells: tuple[Cell, ...]) -> Iterator[Aim]:
    """One tag each for the cells that differ only in their platform; none where a matrix has one platform."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        for reference in cell.shared if cell.selected else ():
            found.setdefault(reference.rpartition(":")[2], []).append(cell)
    for tag, members in found.items():
        yield Aim(tag=tag, means=_ids(members), cells=_ids(members), index=True)


def _newest(members: list[Cell]) -> tuple[str, ...]:
    """The newest of them, on every platform that it is for."""
    newest = max(members, key=_newness)
    return _ids([cell for cell in members if cell.combination == newest.combination])


def _ids(cells: list[Cell]) -> tuple[str, ...]:
    return tuple(cell.id for cell in cells)


def mistakes(cells: tuple[Cell, ...], matrix: Matrix, facts: Facts) -> Iterator[Problem]:
    """Aliases that mean no cell, that no registry takes, or that something else is called already."""
    taken = {tag.rpartition(":")[2]: f"the tag of {cell.id}" for cell in cells for tag in cell.tags}
    together = {tag.rpartition(":")[2] for cell in cells for tag in cell.shared}
    taken |= dict.fromkeys(together, "the tag of cells for several platforms")
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
