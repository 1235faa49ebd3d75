"""A plan for the eye and for scripts: every cell with its verdict, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from builder.cell import Cell
from builder.matrix import Matrix
from builder.records import plain

SCHEMA = "envbuild.plan/1"


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


def as_text(matrix: Matrix, cells: Sequence[Cell], date: str) -> str:
    """One line a cell, its reasons below it, a count at the end. Reasons that many cells share are told
    once, at the end.
    """
    width = max((len(cell.id) for cell in cells), default=0)
    shared = _shared(cells)
    told = [line for cell in cells for line in _cell_lines(cell, width, shared)]
    notes = [f"  warning: {message} ({count} cells)" for message, count in shared.items()]
    counts = Counter(standing(cell) for cell in cells)
    words = ", ".join(f"{count} {name if name != 'build' else 'to build'}" for name, count in counts.items())
    return "\n".join([*told, *notes, f"{matrix.name}: {len(cells)} cells: {words} (tables of {date})"])


def _shared(cells: Sequence[Cell]) -> dict[str, int]:
    messages = Counter(
        r.message for cell in cells if cell.selected for r in cell.reasons if r.weight == "warning"
    )
    return {message: count for message, count in messages.items() if count > 1}


def _cell_lines(cell: Cell, width: int, shared: dict[str, int]) -> list[str]:
    told = [f"{cell.id:<{width}}  {standing(cell)}"]
    for reason in cell.reasons:
        if reason.weight == "warning" and (reason.message in shared or not cell.selected):
            continue
        prefix = "warning: " if reason.weight == "warning" else ""
        origin = f" [{reason.rule}; {reason.source}, {reason.date}]" if reason.source else f" [{reason.rule}]"
        told.append(f"    {prefix}{reason.message}{origin}")
        if reason.nearest:
            told.append(f"    nearest: {', '.join(reason.nearest)}")
    return told
