"""The live view of a run on a terminal: a row per cell with its stage, step, bytes and time."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from builder.events import Event, Finished, Progressed, Started
from builder.report.figures import clock
from builder.report.follow import NOTES, View
from builder.report.look import count, shown
from builder.report.problems import step

STYLES = {"passed": "green", "done": "green", "not verified": "yellow", "failed": "red", "error": "red"}
BESIDES = 3  # lines of the view that are not rows: the table's head, the count, the prompt's


@dataclass(slots=True)
class _Row:
    """Where one cell is. `ended` is empty until the cell is over."""

    stage: str = ""
    step: str = ""
    amount: str = ""
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    ended: str = ""


class Live:
    """Keeps one row per cell up to date, four times a second."""

    def __init__(self, stream: TextIO, view: View) -> None:
        self._rows: dict[str, _Row] = {}
        self._notes: set[str] = set()
        self._view = view
        self._console = Console(file=stream)
        self._live = RichLive(
            console=self._console, get_renderable=self._shown, refresh_per_second=4, transient=True
        )
        self._live.start()

    def see(self, event: Event) -> None:
        """Bring the cell's row up to date."""
        row = self._rows.setdefault(event.cell, _Row())
        if isinstance(event, Started):
            row.stage, row.step, row.amount = event.stage, "", ""
        elif isinstance(event, Progressed):
            self._note(event)
            if event.done and event.step != row.step:
                return  # several go on at once: what is over hides nothing that goes on
            row.step = event.step or row.step
            row.amount = _amount(event.current, event.total)
        elif isinstance(event, Finished) and (
            event.stage == self._view.last or event.outcome not in ("done", "kept")
        ):
            row.ended, row.seconds, row.amount = event.outcome, time.monotonic() - row.begun, ""

    def _note(self, event: Progressed) -> None:
        """What a user should know stays above the table, once."""
        if event.step in NOTES and event.line and event.line not in self._notes:
            self._notes.add(event.line)
            self._console.print(Text(shown(f"note: {event.line}")))

    def _shown(self) -> Group:
        rows = self._fitting(self._console.height - BESIDES)
        table = Table(box=None, pad_edge=False, expand=True)
        longest = max([len(cell) for cell, _ in rows], default=0)
        table.add_column("cell", no_wrap=True, width=min(longest, self._console.width // 2))
        table.add_column("stage", no_wrap=True, width=max([6, *(len(row.stage) for _, row in rows)]))
        table.add_column("step", no_wrap=True, ratio=1)
        table.add_column(
            "", no_wrap=True, justify="right", width=13 if any(row.amount for _, row in rows) else 0
        )
        table.add_column("time", no_wrap=True, justify="right", width=7)
        for cell, row in rows:
            spent = row.seconds if row.ended else time.monotonic() - row.begun
            what = Text(row.ended, STYLES.get(row.ended, "")) if row.ended else Text(shown(step(row.step)))
            amount = Text(row.amount)
            table.add_row(Text(cell), Text(row.stage), what, amount, Text(clock(spent)))
        return Group(table, Text(self._count(), "dim"))

    def _fitting(self, height: int) -> list[tuple[str, _Row]]:
        """As many rows as the terminal has lines: cells at work first, then those that ended last."""
        surplus = len(self._rows) - max(1, height)
        over = sorted((row.begun + row.seconds, cell) for cell, row in self._rows.items() if row.ended)
        hidden = {cell for _, cell in over[: max(0, surplus)]}
        return [(cell, row) for cell, row in self._rows.items() if cell not in hidden]

    def _count(self) -> str:
        over = Counter(row.ended for row in self._rows.values() if row.ended)
        waiting = self._view.cells - len(self._rows)
        parts = [f"{over.total()} of {count(self._view.cells, 'cell')} over"]
        parts += [f"{number} {name}" for name, number in over.items()]
        parts += [f"{waiting} waiting"] * (waiting > 0)
        stopping = self._view.stopping.is_set() and over.total() < self._view.cells
        return ", ".join(parts) + ("; stopping, Ctrl-C leaves at once" if stopping else "")

    def close(self) -> None:
        """Take the view away; the summary follows."""
        self._live.stop()


def _amount(current: int | None, total: int | None) -> str:
    """Bytes for the eye: `12/188 MB`."""
    if current is None:
        return ""
    return f"{current / 1e6:.0f}/{total / 1e6:.0f} MB" if total else f"{current / 1e6:.0f} MB"
