"""The live view of a run on a terminal: a row per cell with stage, time, step and bytes; then the whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.text import Text

from builder.events import Event, Finished, Progressed, Stage, Started
from builder.report.estimate import Estimate, Took, Way
from builder.report.figures import clock
from builder.report.follow import NOTES, View
from builder.report.look import count, cut, shown
from builder.report.problems import step
from builder.report.steady import Steady

STYLES = {"passed": "green", "done": "green", "not verified": "yellow", "failed": "red", "error": "red"}
BESIDES = 4  # lines of the view that are not rows: the head, the whole, the count, the prompt's
LEAST = 4  # characters of a step that are worth a place beside its bytes
BAR = 20
HEAD = ("cell", "stage ", "time")  # most stages have six letters


@dataclass(slots=True)
class _Row:
    """Where one cell is. `ended` is empty until the cell is over."""

    stage: str = ""
    steps: dict[str, str] = field(default_factory=dict)  # under way, with their bytes; the last told last
    stages: int = 0  # that are over
    kept: set[Stage] = field(default_factory=set)
    over: set[Stage] = field(default_factory=set)
    begun: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)  # a stage that counts was over
    seconds: float = 0.0
    ended: str = ""

    @property
    def spent(self) -> float:
        """Seconds until now, or until it was over."""
        return self.seconds if self.ended else time.monotonic() - self.begun

    def tell(self, name: str, amount: str) -> None:
        """A step goes on."""
        self.steps.pop(name, None)
        self.steps[name] = amount

    def close(self, name: str) -> None:
        """A step is over, with what it told of its parts (`load the image: unpack …`)."""
        for known in [one for one in self.steps if one == name or one.startswith(f"{name}: ")]:
            del self.steps[known]


Rows = Mapping[str, _Row]


class Live:
    """Keeps one row per cell up to date, four times a second."""

    def __init__(self, stream: TextIO, view: View) -> None:
        self._rows: dict[str, _Row] = {}
        self._notes: set[str] = set()
        self._view = view
        self._estimate = Estimate(cells=view.cells, at_once=view.at_once, took=_took(view))
        self._begun = time.monotonic()
        self._console = Console(file=stream, highlight=False)
        self._live = Steady(self._console, self._lines)
        self._live.start()

    def see(self, event: Event) -> None:
        """Bring the cell's row up to date."""
        row = self._rows.setdefault(event.cell, _Row())
        row.stage = event.stage
        if isinstance(event, Started):
            row.steps.clear()
        elif isinstance(event, Progressed):
            self._note(event)
            if event.done:
                row.close(event.step)
            elif event.step:
                row.tell(event.step, _amount(event.current, event.total))
        else:
            self._finish(row, event)

    def _finish(self, row: _Row, event: Finished) -> None:
        row.steps.clear()
        if event.stage in self._view.stages:
            row.stages = self._view.stages.index(event.stage) + 1
        if event.outcome == "kept":
            row.kept.add(event.stage)
        if event.stage != "fetch":  # which counts as building
            row.over.add(event.stage)
            row.since = time.monotonic()
        if event.stage == self._view.stages[-1] or event.outcome not in ("done", "kept"):
            row.seconds, row.stages = row.spent, len(self._view.stages)
            row.ended = event.outcome

    def _note(self, event: Progressed) -> None:
        """What a user should know stays above the table, once."""
        if event.step in NOTES and event.line and event.line not in self._notes:
            self._notes.add(event.line)
            self._live.say(shown(f"note: {event.line}"))

    def _lines(self) -> list[Text]:
        """The view, each line no wider than the terminal."""
        width, rows = self._console.width, dict(self._rows)  # another thread adds to them
        fitting = _fitting(rows, self._console.height - BESIDES)
        lines = [*_table(fitting, width), Text(self._whole(rows, width)), Text(self._count(rows), "dim")]
        for line in lines:
            line.truncate(width, overflow="crop")
        return lines

    def _whole(self, rows: Rows, width: int) -> str:
        """How much of the run is over, how long it has taken, how long it may still take."""
        over = sum(row.stages for row in rows.values())
        total = self._view.cells * len(self._view.stages)
        words = f"{over} of {count(total, 'stage')}, {clock(time.monotonic() - self._begun)}"
        if not self._view.stopping.is_set():
            ways = {
                cell: Way(
                    spent=row.spent,
                    since=time.monotonic() - row.since,
                    kept=frozenset(row.kept),
                    over=frozenset(row.over),
                    ended=row.ended,
                )
                for cell, row in rows.items()
            }
            words += f", {self._estimate.words(ways)}"
        room = min(BAR, width - len(words) - 2)
        return f"{_bar(over / total, room, self._console)}  {words}" if room > LEAST else words

    def _count(self, rows: Rows) -> str:
        over = Counter(row.ended for row in rows.values() if row.ended)
        waiting = self._view.cells - len(rows)
        parts = [f"{over.total()} of {count(self._view.cells, 'cell')} over"]
        parts += [f"{number} {name}" for name, number in over.items()]
        parts += [f"{waiting} waiting"] * (waiting > 0)
        stopping = self._view.stopping.is_set() and over.total() < self._view.cells
        return ", ".join(parts) + ("; stopping, Ctrl-C leaves at once" if stopping else "")

    def close(self) -> None:
        """Take the view away; the summary follows."""
        self._live.stop()


def _took(view: View) -> Took:
    """What cells took the last time for the stages that they go through now; those of which it is known."""
    known = {
        cell: {stage: spent for stage, spent in took.items() if stage in view.stages}
        for cell, took in view.took().items()
    }
    return {cell: took for cell, took in known.items() if took}


def _fitting(rows: Rows, height: int) -> Rows:
    """As many rows as the terminal has lines: cells at work first, then those that ended last."""
    surplus = len(rows) - max(1, height)
    over = sorted((row.begun + row.seconds, cell) for cell, row in rows.items() if row.ended)
    hidden = {cell for _, cell in over[: max(0, surplus)]}
    return {cell: row for cell, row in rows.items() if cell not in hidden}


def _table(rows: Rows, width: int) -> list[Text]:
    """The head and a line per cell. What changes its length comes last, so that nothing jumps."""
    told = [HEAD, *((cut(cell, width * 3 // 5), row.stage, clock(row.spent)) for cell, row in rows.items())]
    wide = [max(map(len, column)) for column in zip(*told, strict=True)]
    lines = [
        Text(f"{cell:{wide[0]}}  {stage:{wide[1]}}  {spent:>{wide[2]}}  ") for cell, stage, spent in told
    ]
    lines[0].append("step")
    for line, row in zip(lines[1:], rows.values(), strict=True):
        line.append_text(_what(row, rows, width - len(line)))
    return lines


def _what(row: _Row, rows: Rows, width: int) -> Text:
    """The step with its bytes, or how the cell ended."""
    if row.ended:
        return Text(row.ended, STYLES.get(row.ended, ""))
    if row.steps:
        name, amount = list(row.steps.items())[-1]
        amount = amount if len(amount) <= width else ""
        room = width - len(amount) - 2 if amount else width
        return Text("  ".join(filter(None, (cut(shown(step(name)), room) if room >= LEAST else "", amount))))
    # What several cells share, one of them makes; the row of that one tells of it.
    waits = row.stage == "build" and any(other.steps for other in rows.values())
    return Text(cut("waits for other cells", width) if waits else "", "dim")


def _bar(part: float, width: int, console: Console) -> str:
    """How much is over, also without colours."""
    full, empty = "=-" if console.options.ascii_only else "━─"
    over = round(part * width)
    return full * over + empty * (width - over)


def _amount(current: int | None, total: int | None) -> str:
    """Bytes for the eye: `12/188 MB`, `40/52 kB`."""
    if current is None:
        return ""
    unit, name = (1e6, "MB") if max(current, total or 0) >= 1e6 else (1e3, "kB")
    return f"{current / unit:.0f}/{total / unit:.0f} {name}" if total else f"{current / unit:.0f} {name}"
