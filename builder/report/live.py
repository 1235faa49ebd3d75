"""The live view of a run on a terminal: a row per cell with its stage, step, bytes and time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from builder.events import Event, Finished, Progressed, Started
from builder.report.follow import short


@dataclass(slots=True)
class _Row:
    """Where one cell is."""

    stage: str = ""
    step: str = ""
    amount: str = ""
    begun: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    ended: str = ""


class Live:
    """Keeps one row per cell up to date, four times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._rows: dict[str, _Row] = {}
        self._live = RichLive(
            console=Console(file=stream), get_renderable=self._table, refresh_per_second=4, transient=True
        )
        self._live.start()

    def see(self, event: Event) -> None:
        """Bring the cell's row up to date."""
        row = self._rows.setdefault(event.cell, _Row())
        if isinstance(event, Started):
            row.stage, row.step, row.amount, row.ended = event.stage, "", "", ""
        elif isinstance(event, Progressed):
            row.step = event.step or row.step
            row.amount = _amount(event.current, event.total)
        elif isinstance(event, Finished):
            row.ended, row.seconds = event.outcome, time.monotonic() - row.begun

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("cell", no_wrap=True, ratio=4)
        table.add_column("stage", no_wrap=True, width=7)
        table.add_column("step", no_wrap=True, ratio=5)
        table.add_column("", no_wrap=True, justify="right", width=15)
        table.add_column("time", no_wrap=True, justify="right", width=6)
        for cell, row in self._rows.items():
            over = row.ended and (row.stage == "verify" or row.ended not in ("done", "kept"))
            spent = row.seconds if over and row.seconds is not None else time.monotonic() - row.begun
            step = row.ended if over else short(row.step)
            table.add_row(Text(cell), Text(row.stage), Text(step), Text(row.amount), Text(f"{spent:.0f} s"))
        return table

    def close(self) -> None:
        """Take the view away; the summary follows."""
        self._live.stop()


def _amount(current: int | None, total: int | None) -> str:
    """Bytes for the eye: `12.3/188.0 MB`."""
    if current is None:
        return ""
    return f"{current / 1e6:.1f}/{total / 1e6:.1f} MB" if total else f"{current / 1e6:.1f} MB"
