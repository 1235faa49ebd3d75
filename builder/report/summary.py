"""The end of a run: what went wrong and where, then a line per cell, the tags and the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder.pipeline import Result
from builder.records import plain
from builder.report import figures, troubles
from builder.report.look import PLAIN, Colour, Look, count, paint

SCHEMA = "envbuild.results/1"
COLOURS: dict[str, Colour] = {
    "passed": "green",
    "done": "green",
    "failed": "red",
    "error": "red",
    "not verified": "yellow",
    "cancelled": "yellow",
    "skipped": "yellow",
}
MOST_TAGS = 8
LEAST = 2  # columns that are told on the narrowest terminal


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """The results as data; see docs/results.schema.json."""
    return {"schema": SCHEMA, "cells": [plain(result) for result in results]}


def as_text(results: Sequence[Result], records: Path | None = None, look: Look = PLAIN) -> str:
    """The table; each cell that did not come through with its reason, hint and log; the counts last.

    `records` is the folder that holds them, None where none were written.
    """
    told = [*_table(results, look), "", *troubles.of(results, look)]
    counts = Counter((figures.verdict(result), result.outcome) for result in results)
    words = ", ".join(
        paint(f"{number} {name}", COLOURS.get(outcome), look) for (name, outcome), number in counts.items()
    )
    told.append(f"{count(len(results), 'cell')}: {words}")
    told += _tags(results)
    return "\n".join([*told, f"records and logs: {records}"] if records else told)


def _table(results: Sequence[Result], look: Look) -> list[str]:
    """Cells and figures in columns. A column in which no cell has a figure is left out, and so are the last
    ones where the terminal is too narrow for them; the records have them all.
    """
    rows = [figures.HEAD, *(figures.row(result) for result in results)]
    columns = [column for column in zip(*rows, strict=True) if set(column[1:]) != {figures.NONE}]
    widths = [max(map(len, column)) for column in columns]
    while look.width and len(columns) > LEAST and sum(widths) + 2 * (len(widths) - 1) > look.width:
        columns.pop()  # the least of the figures; the records have them all
        widths.pop()
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]
    coloured = [
        line.replace(
            f"  {figures.verdict(result)}",
            "  " + paint(figures.verdict(result), COLOURS.get(result.outcome), look),
            1,
        )
        for line, result in zip(lines[1:], results, strict=True)
    ]
    return [paint(lines[0], "bold", look), *coloured]


def _tags(results: Sequence[Result]) -> list[str]:
    """What the images are called: told once where the names differ by the cell alone."""
    good = [(result.image, result.cell) for result in results if result.image and not result.exit_code]
    named = figures.together([(tag, cell) for image, cell in good for tag in image.tags])
    rest = len(named) - MOST_TAGS
    return [f"image: {name}" for name in named[:MOST_TAGS]] + [f"and {count(rest, 'tag')} more"] * (rest > 0)
