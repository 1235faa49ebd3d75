"""What may pass is tried again, with back-off and jitter: so often, so long, and no more."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from builder.errors import InterruptedByUserError, OutsideError

ATTEMPTS = 6  # in a row without getting on
FIRST, LONGEST = 0.5, 30.0  # seconds, the pauses that we choose
PATIENCE = 300.0  # seconds, all pauses of one operation
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
AGAIN = "try again later: what has arrived is not sent again"

Made = TypeVar("Made")


class PassingError(Exception):
    """A failure that may pass; `after` is the pause in seconds that the registry asked for."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class RefusedError(Exception):
    """A failure that will not pass by itself."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.hint = hint


def nowhere() -> int:
    """For work that does not get on by parts."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """`pause` waits that many seconds (None: until `cancel` is set, at most); `random` is in [0, 1)."""

    cancel: threading.Event
    pause: Callable[[float], object] | None = None
    random: Callable[[], float] = random.random
    attempts: int = ATTEMPTS

    def go_on(self) -> None:
        """Raise `InterruptedByUserError` once `cancel` is set."""
        if self.cancel.is_set():
            raise InterruptedByUserError.of("interrupted")

    def until(self, what: str, once: Callable[[], Made], reached: Callable[[], int] = nowhere) -> Made:
        """The result of `once`, called again after each `PassingError`. Raises `OutsideError`, which says
        that `what` failed and why, after `attempts` (6) in a row between which `reached` did not grow, or 5
        minutes of pauses.
        """
        failures, waited, furthest = 0, 0.0, reached()
        while True:
            self.go_on()
            try:
                return once()
            except RefusedError as error:
                raise OutsideError.of(f"{what} failed: {error}", hint=error.hint) from error
            except PassingError as error:
                failures = 1 if reached() > furthest else failures + 1
                furthest = max(furthest, reached())
                after = self._after(failures, error.after)
                waited += after
                if failures == self.attempts or waited > PATIENCE:
                    raise OutsideError.of(f"{what} failed: {_told(error, failures)}", hint=AGAIN) from error
            (self.pause or self.cancel.wait)(after)

    def _after(self, failures: int, asked: float | None) -> float:
        """Seconds: what the registry asked for, or twice as long each time; never all clients at once."""
        if asked is not None:
            return asked + self.random()
        return float(min(FIRST * 2 ** (failures - 1), LONGEST)) * (0.5 + self.random() / 2)


def _told(error: PassingError, failures: int) -> str:
    wait = f", and asks for a pause of {error.after:.0f} seconds" if error.after else ""
    return f"{error}{wait} ({failures} attempt{'s' * (failures > 1)})"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The pause in seconds that an answer asks for, as a number or as a date; None where it asks for none."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
