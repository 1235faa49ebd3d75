"""A run's spans as rows: cells first, each with its stages, then the work that they shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.report.drawing import Times
from builder.report.look import count
from builder.timeline import Run, Span

LEAST = 0.1  # seconds: what got on for less is not worth a row
LONG = 1.0  # seconds: what took less did not keep anybody waiting
NAMED = 3  # waiters


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was under way, for whom, when, and when it got on and did not wait; in seconds of the run."""

    what: str
    cell: str  # empty for shared work
    waiters: str
    whole: tuple[Times, ...]
    busy: tuple[Times, ...]

    @property
    def begun(self) -> float:
        """When it began."""
        return self.whole[0][0]

    @property
    def ended(self) -> float:
        """When it was over."""
        return self.whole[-1][1]

    @property
    def worked(self) -> float:
        """For how long it got on."""
        return sum(ended - begun for begun, ended in self.busy)


def rows(run: Run, cells: Sequence[str]) -> tuple[Row, ...]:
    """The rows of these cells, and of the work that any of them waited for."""
    wanted, stages, asked = set(cells), defaultdict(list), defaultdict(list)
    for span in run.spans:
        for waiter in span.waiters:
            asked[waiter].append(span)
        if span.cell in wanted:
            stages[span.cell].append(span)
    own = [_cell(cell, spans, asked) for cell, spans in stages.items()]
    shared = [_shared(span, run.cells(span)) for span in run.spans if not span.cell and span.busy]
    worth = [row for row, names in shared if row.worked >= LEAST and wanted.intersection(names)]
    return (*own, *sorted(worth, key=lambda row: row.busy[0]))


def _cell(cell: str, spans: Sequence[Span], asked: Mapping[int, Sequence[Span]]) -> Row:
    last = _last(spans, asked)
    return Row(
        what=cell,
        cell=cell,
        waiters=f"waited for {last}" if last else "",
        whole=tuple((span.begun, span.ended) for span in spans),
        busy=tuple(times for span in spans for times in span.busy),
    )


def _last(spans: Sequence[Span], asked: Mapping[int, Sequence[Span]]) -> str:
    """What kept these waiting to the last. Who only waits is not to blame, but what that waits for."""
    seen: set[int] = set()
    while found := [one for span in spans for one in asked.get(span.number, ()) if one.number not in seen]:
        span = max(found, key=lambda one: (one.ended - one.begun >= LONG, one.ended))
        if span.busy:
            return span.label
        seen.add(span.number)
        spans = [span]
    return ""


def _shared(span: Span, cells: tuple[str, ...]) -> tuple[Row, tuple[str, ...]]:
    names = ", ".join(cells) if len(cells) <= NAMED else count(len(cells), "cell")
    whole = ((span.begun, span.ended),)
    return Row(what=span.label, cell="", waiters=f"for {names}", whole=whole, busy=span.busy), cells
