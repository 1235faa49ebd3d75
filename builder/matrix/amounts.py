"""Rules for numbers with a meaning: sizes, durations, counts, GPU generations."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from builder.matrix.spelling import WordError
from builder.yamldoc import shown

_UNITS = {
    **{unit: 1000**power for power, unit in enumerate(("KB", "MB", "GB", "TB"), start=1)},
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), start=1)},
}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def size(text: str) -> int:
    """Bytes: `3GB` (10⁹ each), `1.5GiB` (2³⁰ each)."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([KMGT]i?B)", text)
    if match is None:
        raise WordError(
            f"'{shown(text)}' is not a size", "write a number and a unit, for example 3GB or 512MiB"
        )
    count = int(Decimal(match[1]) * _UNITS[match[2]])
    if count < 1:
        raise WordError(f"'{shown(text)}' is no size at all", "write more than zero")
    return count


def memory(text: str) -> int:
    """Bytes of a container's memory, at least 256 MiB."""
    count = size(text)
    if count < 256 * 1024**2:
        raise WordError(
            f"'{shown(text)}' is too little memory for torch", "give at least 256MiB; 4GB is usual"
        )
    return count


def duration(text: str) -> int:
    """Seconds, up to a day: `600`, `90s`, `10m`, `1h`."""
    match = re.fullmatch(r"([0-9]{1,6})([smh]?)", text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 1 <= seconds <= 86400:
        hint = "write seconds or a number with s, m or h, for example 10m; at most 24h"
        raise WordError(f"'{shown(text)}' is not a duration", hint)
    return seconds


def count(low: int, high: int) -> Callable[[str], int]:
    """The rule for a whole number from `low` to `high`."""

    def rule(text: str) -> int:
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", text, re.ASCII) or not low <= int(text) <= high:
            raise WordError(
                f"'{shown(text)}' is not a number from {low} to {high}", f"for example {max(low, 10)}"
            )
        return int(text)

    return rule


def compute_capability(text: str) -> str:
    """A GPU generation: `8.6`; `sm_86` is understood."""
    match = re.fullmatch(r"([1-9]|1[0-9])\.([0-9])", text) or re.fullmatch(r"sm_([1-9]|1[0-9])([0-9])", text)
    if match is None:
        hint = "write the compute capability, for example 8.6 (RTX 30), 9.0 (H100) or 12.0 (RTX 50)"
        raise WordError(f"'{shown(text)}' is not a GPU generation", hint)
    return f"{match[1]}.{match[2]}"
