"""Seconds of many runs, their ratios, and the tables that docs/performance.md shows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WORK = ("cold", "changed", "unchanged")
TITLES = {"cold": "from nothing", "changed": "one pip package changed", "unchanged": "nothing changed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One piece of work on so many cells; the seconds of both sides belong together run by run."""

    cells: int
    work: str
    bake: tuple[float, ...]
    envbuild: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster envbuild was, in each run."""
        return tuple(usual / ours for usual, ours in zip(self.bake, self.envbuild, strict=False))


def spread(numbers: Sequence[float], digits: int = 1) -> str:
    """Median, with the least and the largest where they differ; empty for none."""
    if not numbers:
        return ""
    texts = [f"{number:.{digits}f}" for number in (statistics.median(numbers), min(numbers), max(numbers))]
    return texts[0] if len(numbers) == 1 else f"{texts[0]} ({texts[1]}…{texts[2]})"


def megabytes(count: int | None) -> str:
    """Bytes for a reader; empty for none."""
    return "" if count is None else f"{count / 1e6:.0f} MB"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]


def seconds(compared: Sequence[Compared]) -> list[str]:
    """The table of times: median (least…largest) of the runs."""
    head = ("cells", "work", "bake, s", "envbuild, s", "bake / envbuild")
    return table(
        head,
        [
            (
                str(one.cells),
                TITLES[one.work],
                spread(one.bake, 2 if one.work == "unchanged" else 1),
                spread(one.envbuild, 2 if one.work == "unchanged" else 1),
                spread(one.ratios),
            )
            for one in compared
        ],
    )
