"""An account as one HTML file: no network, no other file, nothing in it that came from outside as markup."""

from __future__ import annotations

import shlex
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.names import variant
from builder.report import timetable
from builder.report.account import Account, Entry
from builder.report.drawing import bar, curve
from builder.report.figures import duration, megabytes
from builder.report.timetable import Row
from builder.timeline import Run

if TYPE_CHECKING:
    from jinja2 import Template

Axes = tuple[str, str]

FOLDER = Path(__file__).parent
PAGE = "report.html.j2"
SIGNS = {"good": "✓", "bad": "✗", "open": "·"}


def html(account: Account) -> str:
    """The whole page."""
    largest = max((entry.image.size for entry in account.entries if entry.image), default=0) or 1
    verdicts = Counter(entry.verdict for entry in account.entries)
    several = len({e.cell.arch for e in account.entries}) > 1
    rows: dict[Axes, None] = {}
    columns: dict[Axes, None] = {}
    found: dict[tuple[Axes, Axes], Entry] = {}
    for entry in account.entries:
        cell = entry.cell
        row = (f"{cell.os} {cell.arch}" if several else cell.os), cell.python
        column = cell.cuda, cell.torch
        rows[row], columns[column], found[row, column] = None, None, entry
    grid = [(row, [found.get((row, column)) for column in columns]) for row in rows]
    text = _template().render(
        account=account,
        verdicts=verdicts.most_common(),
        kinds={entry.verdict: entry.kind for entry in account.entries},
        columns=[(variant(cuda), torch) for cuda, torch in columns],
        grid=grid,
        signs=SIGNS,
        largest=largest,
        curve=curve,
        megabytes=megabytes,
        matrix=shlex.quote(account.matrix),
        share=_share,
        duration=duration,
        shared=account.shared,
        bar=bar,
        runs=_runs(account),
    )
    return text.encode(errors="replace").decode()  # half characters are none that a file takes


def _share(number: object) -> str:
    """`97.75 %`, or nothing where it was not measured."""
    return f"{number:.2%}" if isinstance(number, (int, float)) else ""


def _runs(account: Account) -> list[tuple[Run, tuple[Row, ...]]]:
    """The timelines of the last runs, as far as they are about these cells."""
    cells = [entry.cell.id for entry in account.entries]
    told = [(run, timetable.rows(run, cells)) for run in account.runs]
    return [(run, rows) for run, rows in told if rows]


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    loader = FileSystemLoader(FOLDER)
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.get_template(PAGE)
