"""What a check is, and what can come of one."""

from typing import Any, Callable, Dict, NamedTuple, Optional

LEVELS = ("static", "basic", "deep")


class Outcome(NamedTuple):
    """What came of a check. A `required` skip waits for something (`needs`); others do not apply."""

    status: str
    values: Dict[str, Any] = {}
    limits: Dict[str, Any] = {}
    reason: Optional[str] = None
    hint: Optional[str] = None
    needs: Optional[str] = None
    required: Optional[bool] = None  # None: as the check says


class Check(NamedTuple):
    """One check: a stable id, what it shows, from which level on it runs, and whether an image must pass it.

    `apart` is the time limit in seconds of a check that runs in a process of its own, because it may hang or
    crash; 0 for one that runs in the verifier's. `unless` is asked before: its outcome saves the process.
    """

    id: str
    title: str
    level: str
    required: bool
    run: Callable[[Any], Outcome]
    apart: int = 0
    unless: Optional[Callable[[Any], Optional[Outcome]]] = None


class UnreadyError(Exception):
    """What this check stands on is not there; says what."""


def passed(values=None, limits=None):
    """The check was done and is right."""
    return Outcome(status="pass", values=values or {}, limits=limits or {})


def warned(reason, values=None, limits=None, hint=None):
    """The check was done; a person should look at it."""
    return Outcome(status="warn", values=values or {}, limits=limits or {}, reason=reason, hint=hint)


def failed(reason, values=None, limits=None, hint=None):
    """The check was done and is wrong."""
    return Outcome(status="fail", values=values or {}, limits=limits or {}, reason=reason, hint=hint)


def broken(reason, values=None, hint=None):
    """The check could not be done: an exception, a crash, a time-out."""
    return Outcome(status="error", values=values or {}, reason=reason, hint=hint)


def waiting(needs, reason, values=None, hint=None):
    """The image should be checked for this, but something is missing here, for example a GPU."""
    return Outcome(status="skip", values=values or {}, reason=reason, hint=hint, needs=needs)


def inapplicable(reason, values=None, needs=None):
    """There is nothing to check in this image."""
    return Outcome(status="skip", values=values or {}, reason=reason, needs=needs, required=False)


def judged(problems, values=None, limits=None, hint=None):
    """A pass if there are no problems, otherwise a failure that lists them."""
    if not problems:
        return passed(values, limits)
    return failed("; ".join(problems[:20]), values, limits, hint)
