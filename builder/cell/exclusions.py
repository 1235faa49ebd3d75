"""Which cells of the product the rules of a matrix leave out."""

from __future__ import annotations

from dataclasses import dataclass

from builder.cell.axes import AXES, Axes, Entry, pattern_in_tables
from builder.cell.values import Reason
from builder.errors import Problem
from builder.facts import Facts
from builder.matrix import Exclusion
from builder.names import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An exclusion, worked out: the names that it means on each axis."""

    os: frozenset[str]
    python: frozenset[str]
    cuda: frozenset[str]
    torch: frozenset[str]
    reason: Reason

    def excludes(self, os: str, python: str, cuda: str, torch: str) -> bool:
        """Whether the cell is left out."""
        return os in self.os and python in self.python and cuda in self.cuda and torch in self.torch


def work_out(
    exclusions: tuple[Exclusion, ...], axes: Axes, facts: Facts, problems: list[Problem]
) -> tuple[Rule, ...]:
    """The rules; one that means no cell of the product is added to `problems`."""
    rules = []
    for exclusion in exclusions:
        meant = {axis: _meant(exclusion, axis, axes, facts) for axis in AXES}
        nothing = [axis for axis in AXES if not meant[axis]]
        if nothing:
            problems.append(_matches_nothing(exclusion, nothing[0], axes))
            continue
        rules.append(Rule(**meant, reason=_reason(exclusion)))
    return tuple(rules)


def _meant(exclusion: Exclusion, axis: str, axes: Axes, facts: Facts) -> frozenset[str]:
    entries: tuple[Entry, ...] = getattr(axes, axis)
    if axis == "os":
        entries += axes.strange  # so that one misspelling is one problem
    pattern: str | None = getattr(exclusion, axis)
    if pattern is None:
        return frozenset(entry.name for entry in entries)
    pattern = pattern_in_tables(axis, pattern, facts)
    return frozenset(e.name for e in entries if matches(pattern, e.name) or pattern == e.text)


def _matches_nothing(exclusion: Exclusion, axis: str, axes: Axes) -> Problem:
    entries: tuple[Entry, ...] = getattr(axes, axis)
    there = ", ".join(entry.name for entry in entries)
    hint = (
        f"remove the rule, or name one of {there}"
        if there
        else f"remove the rule, or correct matrix.{axis} first"
    )
    return Problem(
        message=f"this rule excludes nothing: no {axis} of the matrix is {getattr(exclusion, axis)}",
        hint=hint,
        place=exclusion.place,
    )


def _reason(exclusion: Exclusion) -> Reason:
    patterns = [
        f"{axis}: {getattr(exclusion, axis)}" for axis in AXES if getattr(exclusion, axis) is not None
    ]
    message = exclusion.reason or f"excluded by {{{', '.join(patterns)}}}"
    return Reason(rule="excluded", weight="excluded", message=message, source=str(exclusion.place))
