"""The end of a run in Markdown, for a CI system's page: what went wrong first, details folded away."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from builder.errors import Problem
from builder.pipeline import Result
from builder.report import figures, problems, troubles
from builder.report.look import PLAIN, count, shown

MOST = 900 * 1024  # bytes: GitHub drops a summary of more than 1 MiB whole
CUT = "\n\n*The rest is left out: a summary may have 1 MiB.*\n"
SIGNS = {"passed": "✅", "done": "✅", "not verified": "⚠️", "skipped": "⚪", "cancelled": "⚪"}
FAILED = "❌"


def of_run(results: Sequence[Result]) -> str:
    """A table of all cells, those that did not come through first and with their reasons below it."""
    ordered = sorted(results, key=lambda result: not result.exit_code)
    counts = Counter(figures.verdict(result) for result in ordered)
    words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    rows = [_row(result) for result in ordered]
    lines = [
        f"### envbuild: {count(len(results), 'cell')}{': ' * bool(words)}{words}",
        "",
        *table(_head(), rows),
        "",
    ]
    return limited("\n".join([*lines, *(line for result in ordered for line in _folded(result))]))


def of_problems(found: Sequence[Problem]) -> str:
    """What kept a command from its work."""
    told = fenced(problems.text(found, PLAIN))
    return limited("\n".join(["### envbuild: nothing was done", "", *told, ""]))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table whose cells' text cannot end a cell or a line."""
    whole = (head, ["---"] * len(head), *rows)
    return [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in whole]


def _plain(text: str) -> str:
    return shown(" ".join(text.split())).replace("|", "\\|")


def fenced(text: str) -> list[str]:
    """Text as it is, behind a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", shown(text), fence]


def limited(text: str) -> str:
    """The text, or as much of it as a summary may have; without half characters, which no file takes."""
    whole = text.encode(errors="replace")
    return whole.decode() if len(whole) <= MOST else whole[:MOST].decode(errors="ignore") + CUT


def _head() -> tuple[str, ...]:
    return tuple(name.capitalize() for name in figures.HEAD)


def _row(result: Result) -> tuple[str, ...]:
    cell, verdict, *more = figures.row(result)
    return f"`{cell}`", f"{SIGNS.get(result.outcome, FAILED)} {verdict}", *more


def _folded(result: Result) -> Iterator[str]:
    """What a user needs of one cell that did not come through, or was let through."""
    told = [line for line in troubles.of([result], PLAIN) if line]
    if told:
        title = html.escape(f"{result.cell}: {result.outcome}")
        yield f"<details{' open' if result.exit_code else ''}><summary>{title}</summary>"
        yield from ("", *fenced("\n".join(told)), "", "</details>", "")
