"""What one check of the verifier came to, as its records tell it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from builder.trial import Trial

CheckStatus = Literal["pass", "warn", "fail", "error", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what was seen (`values`), what was allowed (`limits`), and why it is not a pass."""

    id: str
    title: str
    status: CheckStatus
    required: bool
    seconds: float
    values: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    hint: str | None = None
    needs: str | None = None  # what a skip waited for: `gpu`, `two gpus`, `compiler` …
    warnings: tuple[str, ...] = ()


def reported(tried: Trial) -> tuple[Check, ...]:
    """The checks that were reported; a record that is not of the form is left out, and so is missed by
    who looks for it.
    """
    names = {each.name for each in fields(Check)}
    found = []
    for record in tried.records:
        if record.get("record") != "check" or record.get("status") not in get_args(CheckStatus):
            continue
        try:
            check = Check(**{key: value for key, value in record.items() if key in names})
        except TypeError:
            continue
        if isinstance(check.warnings, list):
            check = replace(check, warnings=tuple(map(str, check.warnings)))
        if well_formed(check):
            found.append(check)
    return tuple(found)


def well_formed(check: Check) -> bool:
    """Whether the fields of a check that others wrote are of their types."""
    texts = (check.id, check.title, *check.warnings) if isinstance(check.warnings, tuple) else (None,)
    maybe = (check.reason, check.hint, check.needs)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(text, (str, type(None))) for text in maybe)
        and all(isinstance(found, dict) for found in (check.values, check.limits))
        and isinstance(check.seconds, (int, float))
        and isinstance(check.required, bool)
        and check.status in get_args(CheckStatus)
    )
