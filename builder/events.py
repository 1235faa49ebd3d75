"""What happened, as values: the pipeline yields them, reports show them, nothing else travels between the
two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["fetch", "base", "build", "verify", "publish"]
Outcome = Literal["done", "kept", "passed", "failed", "not verified", "error", "skipped", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A stage of a cell began."""

    cell: str
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A stage moved on. `step` is what is under way; `current` and `total` are bytes, or None where
    unknown.
    """

    cell: str
    stage: Stage
    step: str
    current: int | None = None
    total: int | None = None
    line: str | None = None  # one line of output, without its newline
    done: bool = False  # the step is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A stage ended. `detail` holds the lines that a user needs when it did not end well."""

    cell: str
    stage: Stage
    outcome: Outcome
    seconds: float
    detail: tuple[str, ...] = field(default=())


Event = Started | Progressed | Finished
