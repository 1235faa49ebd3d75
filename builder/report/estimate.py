"""How long a run may still take: by what its cells took last time, or by its own pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from builder.events import Stage

Took = Mapping[str, Mapping[Stage, float]]  # seconds by cell and stage; fetching counts as building
WHOLE = ("passed", "done", "not verified")  # how cells end that went all their way: they tell of the pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How far a cell is: seconds since it was begun, and since its last stage was over; the stages that were
    kept, and those that are over, kept or not; how it ended if it did.
    """

    spent: float
    since: float = 0.0
    kept: frozenset[Stage] = frozenset()
    over: frozenset[Stage] = frozenset()
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How many `cells` there are, how many go on `at_once`, and what some of them `took` the last time."""

    cells: int
    at_once: int = 1
    took: Took = field(default_factory=dict)

    def words(self, ways: Mapping[str, Way]) -> str:
        """About how long, and what that rests on. `ways` are the cells that were begun."""
        whole = {name: way for name, way in ways.items() if way.ended in WHOLE}
        pace = self._pace(whole)
        usual = _mean(way.spent for way in whole.values()) or pace * _mean(map(self._before, self.took))
        if not usual:
            return "no estimate before a cell is over"
        left = [self._left(name, way, pace, usual) for name, way in ways.items() if not way.ended]
        waiting = [pace * self._before(name) for name in self.took if name not in ways]
        left += waiting + [usual] * (self.cells - len(ways) - len(waiting))
        seconds = max(0.0, *left, sum(left) / self.at_once)  # the slowest cell's, or that of all in turns
        if seconds < 1:
            return f"longer than {'the others' if whole else 'last time'}"
        return f"about {coarse(seconds)} left {'at this pace' if whole else 'if it goes as last time'}"

    def _left(self, name: str, way: Way, pace: float, usual: float) -> float:
        """What a cell may still take: the stages before it, by last time where that is known."""
        took = self.took.get(name)
        if not took:
            return max(0.0, usual - way.spent)
        before = sum(seconds for stage, seconds in took.items() if stage not in way.over)
        return max(0.0, pace * before - way.since)

    def _before(self, name: str, way: Way | None = None) -> float:
        """What a cell took the last time for what it does now; 0 where that is not known."""
        kept = way.kept if way else ()
        return sum(seconds for stage, seconds in self.took.get(name, {}).items() if stage not in kept)

    def _pace(self, whole: Mapping[str, Way]) -> float:
        """How many times as long as the last time it takes."""
        known = [(way.spent, before) for name, way in whole.items() if (before := self._before(name, way))]
        spent, before = (sum(column) for column in zip(*known, strict=True)) if known else (1.0, 1.0)
        return spent / before


def _mean(values: Iterable[float]) -> float:
    found = tuple(values)
    return fmean(found) if found else 0.0


def coarse(seconds: float) -> str:
    """No finer than an estimate is: `5 s`, `40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.0f} s"
    if seconds < 95:
        return f"{round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    tens = round(minutes, -1)
    return f"{tens // 60} h {tens % 60} min" if tens % 60 else f"{tens // 60} h"
