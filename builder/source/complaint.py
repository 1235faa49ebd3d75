"""uv's account of a failed resolution, condensed into one plain sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from builder.errors import CellError, EnvbuildError, OutsideError
from builder.source.api import Order

LONGEST = 600  # characters of uv's own words, where none of the known sentences fits
NETWORK = re.compile(
    r"Failed to (?:fetch|download)|error sending request|Connection|connection|timed out|dns error"
)
REACH = re.compile(r"Failed to fetch:? `?(?P<url>\S+?)`?(?:\s|$)")
HINT_REACH = "check the network, proxy and certificate that pip uses here (pip config list)"
HINT_WHEEL = "choose a version that has a wheel, or build one and name its folder in pip's find-links"
UNSUITABLE = re.compile(
    r"(?P<what>\S+) has no wheels with a matching (?P<tag>Python (?:ABI|implementation|version)|platform) tag"
)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A pattern in uv's text and what to say instead; `say` gets the match and the order."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str], Order], str]
    hint: str | None = None


def condense(text: str, order: Order) -> EnvbuildError:
    """The error for a failed run of uv, from its scrubbed text: `OutsideError` for the network."""
    cause = " ".join(text.split())
    for sentence in _sentences():
        found = sentence.pattern.search(cause)
        if found:
            return CellError.of(sentence.say(found, order), hint=sentence.hint or _uv_hint(cause))
    if NETWORK.search(cause) and "No solution found" not in cause:
        return OutsideError.of(f"{_reach(cause)} does not answer: {_last_cause(text)}", hint=HINT_REACH)
    return CellError.of(_trimmed(cause), hint=_uv_hint(cause))


def _sentences() -> tuple[_Sentence, ...]:
    return (
        _Sentence(
            re.compile(r"no version of (\S+)==(\S+?)[ ,]"), _no_version, "choose a version that they have"
        ),
        _Sentence(
            re.compile(r"Because (\S+) was not found in the (?:package registry|provided package locations)"),
            lambda found, _: f"no package {found[1]} on the reachable indexes",
        ),
        _Sentence(UNSUITABLE, _unsuitable, HINT_WHEEL),
        _Sentence(
            re.compile(r"(?:Because|And because) (\S+) has no usable wheels"),
            lambda found, _: f"{_spaced(found[1])} has no wheel, only a source distribution",
            HINT_WHEEL,
        ),
        _Sentence(
            re.compile(r"ecause (\S+) depends on (\S+) and you require (\S+), we can conclude that your req"),
            lambda found, _: f"{_spaced(found[1])} needs {found[2]}, and {found[3]} is asked for as well",
        ),
        _Sentence(
            re.compile(
                r"ecause all versions of (\S+) depend on (\S+) .*"
                r"And because you require (\S+), we can conclude that your requirements are unsat"
            ),
            lambda found, _: f"{found[1]} needs {found[2]}, and {found[3]} is asked for as well",
        ),
        _Sentence(
            re.compile(r"ecause you require (\S+) and (\S+), we can conclude that your requirements"),
            lambda found, _: f"{found[1]} and {found[2]} contradict each other",
        ),
        _Sentence(
            re.compile(r"requested Python version \(.*?\) does not satisfy Python(\S+) and (\S+) depends on"),
            lambda found, order: (
                f"{_spaced(found[2])} needs Python {found[1]}, and this cell has {order.python}"
            ),
        ),
        _Sentence(
            re.compile(r"(Failed to (?:download and )?build|Building source distributions).*?`([^`]+)`"),
            lambda found, _: f"{found[2]} is a source distribution, and envbuild installs wheels only",
            HINT_WHEEL,
        ),
    )


def _no_version(found: re.Match[str], order: Order) -> str:
    return f"no {found[1]} {found[2]} for Python {order.python} on the reachable indexes"


def _unsuitable(found: re.Match[str], order: Order) -> str:
    what = _spaced(found["what"])
    if found["tag"] == "platform":
        return f"{what} has no wheel for {order.arch} with glibc {order.glibc}"
    return f"{what} has no wheel for Python {order.python}"


def _spaced(requirement: str) -> str:
    """`torch==1.13.1` → `torch 1.13.1`."""
    return requirement.replace("==", " ", 1)


def _uv_hint(cause: str) -> str | None:
    """uv's own hint, where it gave one."""
    hint = cause.partition("hint: ")[2].partition(" hint: ")[0]
    return hint[:LONGEST] or None


def _reach(cause: str) -> str:
    found = REACH.search(cause)
    return found["url"] if found else "an index"


def _last_cause(text: str) -> str:
    """The innermost reason, for example `Connection refused (os error 111)`."""
    causes = [line.partition("cause:")[2].strip() for line in text.splitlines() if "cause:" in line]
    return causes[-1] if causes else "no reason given"


def _trimmed(cause: str) -> str:
    """uv's sentence without its frame."""
    inner = re.sub(r"^.*?No solution found[^:]*?cause: |^error: ", "", cause).partition(" hint: ")[0]
    inner = re.sub(r"^Because ", "", inner)
    inner = re.sub(r",? we can conclude that your requirements are unsatisfiable\.?$", "", inner)
    return "no versions fit together: " + (inner if len(inner) <= LONGEST else inner[: LONGEST - 1] + "…")
