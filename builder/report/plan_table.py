"""A plan for the eye and for scripts: every cell with its verdict, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from builder.cell import Cell, Reason
from builder.matrix import Matrix
from builder.records import plain
from builder.report.look import PLAIN, Colour, Look, count, paint, wrap

SCHEMA = "envbuild.plan/1"
STANDINGS: dict[str, Colour | None] = {
    "build": "green",
    "impossible": "red",
    "unknown": "yellow",
    "dropped": "yellow",
    "excluded": None,
}


def as_json(matrix: Matrix, cells: Sequence[Cell], date: str) -> dict[str, Any]:
    """The plan as data; see docs/plan.schema.json. `date` is the tables'."""
    return {
        "schema": SCHEMA,
        "matrix": str(matrix.path),
        "facts": date,
        "counts": dict(Counter(standing(cell) for cell in cells)),
        "cells": [{**plain(cell), "place": str(cell.place) if cell.place else None} for cell in cells],
    }


def standing(cell: Cell) -> str:
    """What happens to a cell, in one word: build, excluded, dropped, impossible or unknown."""
    if cell.status in ("excluded", "dropped"):
        return cell.status
    return "build" if cell.selected else cell.verdict


def as_text(matrix: Matrix, cells: Sequence[Cell], date: str, look: Look = PLAIN) -> str:
    """The cells by what happens to them, and those that cannot be by why; warnings; a count at the end.

    What several cells have in common is told once.
    """
    told: list[str] = []
    for name, colour in STANDINGS.items():
        meant = [cell for cell in cells if standing(cell) == name]
        if meant:
            told += [paint(f"{_called(name)}: {count(len(meant), 'cell')}", colour, look)]
            told += [line for group in _alike(meant) for line in _group(group, look)] + [""]
    warnings = list(_warnings([cell for cell in cells if cell.selected], look))
    told += [paint("warnings", "yellow", look), *warnings, ""] if warnings else []
    counts = Counter(standing(cell) for cell in cells)
    words = ", ".join(f"{counts[name]} {_called(name)}" for name in STANDINGS if counts[name])
    return "\n".join([*told, f"{matrix.name}: {count(len(cells), 'cell')}: {words} (tables of {date})"])


def _called(name: str) -> str:
    return "to build" if name == "build" else name


def _against(cell: Cell) -> tuple[Reason, ...]:
    """Why a cell is not built."""
    return tuple(reason for reason in cell.reasons if reason.weight != "warning")


def _alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells with the same reasons, together."""
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(reason.message for reason in _against(cell)), []).append(cell)
    return list(groups.values())


def _group(cells: Sequence[Cell], look: Look) -> Iterator[str]:
    """The reasons that these cells share, then the cells, each with the nearest possible ones."""
    reasons = _against(cells[0])
    for reason in reasons:
        yield from wrap(reason.message + _where(reason), look, indent=2, hang=2)
        if reason.date:
            origin = f"({reason.rule}: {reason.source}, {reason.date})"
            yield from (paint(line, "faint", look) for line in wrap(origin, look, indent=2, hang=2))
    for cell in cells:
        yield f"{'  ' if reasons else ''}  {cell.id}"
        nearest = tuple(dict.fromkeys(near for reason in _against(cell) for near in reason.nearest))
        if nearest:
            yield from wrap(f"nearest: {', '.join(nearest)}", look, indent=6, hang=2)


def _where(reason: Reason) -> str:
    """An exclusion's source is its place in the matrix."""
    return f" ({reason.source})" if reason.weight == "excluded" else ""


def _warnings(cells: Sequence[Cell], look: Look) -> Iterator[str]:
    """Each warning once, with the cell or the number of cells that it is about, unless it is about all."""
    about: dict[str, list[str]] = {}
    for cell in cells:
        for reason in cell.reasons:
            if reason.weight == "warning":
                about.setdefault(reason.message, []).append(cell.id)
    for message, ids in about.items():
        whose = ids[0] if len(ids) == 1 else count(len(ids), "cell")
        told = message if len(ids) == len(cells) else f"{message} ({whose})"
        yield from wrap(told, look, indent=2, hang=2)
