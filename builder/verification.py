"""Image + engine → Verification: what is inside, judged against what the recipe claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

CheckStatus = Literal["pass", "warn", "fail", "error", "skip"]
CellVerdict = Literal["passed", "failed", "not verified", "error"]


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
    needs: str | None = None  # what a skip waited for: `gpu`, `compiler` …
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The verdict on one image, and everything that it rests on."""

    cell: str | None
    image: str  # image id
    status: CellVerdict
    reason: str | None
    level: str
    verifier: str  # sha256 of the verifier that ran
    seconds: float
    environment: dict[str, Any]
    fingerprint: dict[str, Any]
    checks: tuple[Check, ...]
