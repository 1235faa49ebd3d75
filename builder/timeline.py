"""When what went on in a run: the stages of each cell, the work that cells share, and who waited for what."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stage of a cell, or a piece of work that several cells may need (`cell` is empty). In seconds since
    the run began; `busy` are the times in which it got on, and did not wait for others or for its turn.
    `number` is its place in the run; `waiters` are the numbers of the spans that asked for it.
    """

    number: int
    label: str
    cell: str
    begun: float
    ended: float
    busy: tuple[tuple[float, float], ...]
    waiters: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run over the cells of a matrix: when it began (ISO 8601, UTC), how long it took in seconds, on what
    engine, with how many pieces of work at once.
    """

    begun: str
    seconds: float
    engine: str
    jobs: int
    spans: tuple[Span, ...]

    def cells(self, span: Span) -> tuple[str, ...]:
        """The cells that waited for a span, also by way of others; its own cell, where it is a stage."""
        found, seen, pending = set(), {span.number}, [span]
        while pending:
            one = pending.pop()
            found |= {one.cell} if one.cell else set()
            fresh = {number for number in one.waiters if 0 <= number < len(self.spans)} - seen
            seen |= fresh
            pending += [self.spans[number] for number in fresh]
        return tuple(sorted(found))


@dataclass(slots=True, kw_only=True)
class _Open:
    """A span that may still go on."""

    label: str
    cell: str
    begun: float
    ended: float | None = None
    busy: list[tuple[float, float]] = field(default_factory=list)
    waiters: list[int] = field(default_factory=list)


_current: ContextVar[int | None] = ContextVar("span", default=None)  # what this thread works on


class Timeline:
    """Keeps the spans of a run as they begin and end, in whatever threads."""

    def __init__(self) -> None:
        self._zero, self._begun = time.monotonic(), datetime.now(timezone.utc)
        self._guard = threading.Lock()
        self._spans: list[_Open] = []

    @property
    def seconds(self) -> float:
        """How long it goes on already."""
        return round(time.monotonic() - self._zero, 3)

    def opened(self, label: str, cell: str = "") -> int:
        """A span that begins now; its number."""
        with self._guard:
            self._spans.append(_Open(label=label, cell=cell, begun=self.seconds))
            return len(self._spans) - 1

    def wanted(self, number: int) -> None:
        """Whatever this thread works on waits for that span."""
        asker = _current.get()
        if asker is not None and asker != number:
            with self._guard:
                self._spans[number].waiters.append(asker)

    @contextmanager
    def within(self, number: int) -> Iterator[None]:
        """This thread works on that span, which ends with the block."""
        token = _current.set(number)
        try:
            yield
        finally:
            _current.reset(token)
            self._spans[number].ended = self.seconds

    @contextmanager
    def busy(self) -> Iterator[None]:
        """What this thread works on gets on for the length of the block."""
        begun, number = self.seconds, _current.get()
        try:
            yield
        finally:
            if number is not None:
                self._spans[number].busy.append((begun, self.seconds))

    def run(self, engine: str, jobs: int) -> Run:
        """All of it, as far as it is."""
        now = self.seconds
        with self._guard:
            spans = tuple(_closed(number, one, now) for number, one in enumerate(self._spans))
        begun = self._begun.isoformat(timespec="seconds")
        return Run(begun=begun, seconds=now, engine=engine, jobs=jobs, spans=spans)


def _closed(number: int, one: _Open, now: float) -> Span:
    return Span(
        number=number,
        label=one.label,
        cell=one.cell,
        begun=one.begun,
        ended=now if one.ended is None else one.ended,
        busy=tuple(one.busy),
        waiters=tuple(dict.fromkeys(one.waiters)),
    )
