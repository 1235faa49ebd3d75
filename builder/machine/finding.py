"""One thing that is right or wrong with a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`check` is its name; `message` says what is, `remedy` what to do; `source` is where that is known from,
    where it is not plain to see.
    """

    check: str
    severity: Severity
    message: str
    remedy: str = ""
    source: str = ""
