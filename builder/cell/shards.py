"""Cells → as many parts of about the same work as there are machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.cell.values import Cell

# Seconds on two cores near an index, rounded: what `envbuild up` took of matrices/debian.yaml and cuda.yaml.
# An environment is made and loaded once for all cells that share it; a cell has its base and its proof.
ENVIRONMENT = {"cpu": 15, "cuda": 80}
CELL = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Part `number` of `of`, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parts(cells: Sequence[Cell], of: int) -> tuple[tuple[Cell, ...], ...]:
    """`of` parts, all cells in exactly one, in their order; the last may be empty.

    Cells with one environment stay together as far as that leaves the parts even: the largest pieces of work
    are given away first, each to the part that has least. The same cells make the same parts.
    """
    loads = [0] * of
    given: list[list[Cell]] = [[] for _ in range(of)]
    even = -(-sum(map(_cost, _groups(cells))) // of)
    for piece in sorted(_pieces(cells, even), key=lambda piece: (-_cost(piece), piece[0].id)):
        least = min(range(of), key=lambda part: loads[part])
        loads[least] += _cost(piece)
        given[least] += piece
    order = {cell.id: number for number, cell in enumerate(cells)}
    return tuple(tuple(sorted(part, key=lambda cell: order[cell.id])) for part in given)


def _pieces(cells: Sequence[Cell], most: int) -> Iterable[tuple[Cell, ...]]:
    """The groups, those cut that are more than one part's share."""
    for group in _groups(cells):
        room = max(1, -(-(most - _environment(group[0])) // CELL))
        yield from (group[start : start + room] for start in range(0, len(group), room))


def _groups(cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Cells by the environment that they share."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        system = cell.os if cell.provider == "system" else ""
        key = (cell.python, cell.cuda, cell.torch, cell.arch, cell.provider, cell.flavor, system)
        found.setdefault(key, []).append(cell)
    return [tuple(group) for group in found.values()]


def _cost(group: Sequence[Cell]) -> int:
    return _environment(group[0]) + CELL * len(group)


def _environment(cell: Cell) -> int:
    return ENVIRONMENT["cpu" if cell.cuda == "cpu" else "cuda"]
