"""Matrix + facts → cells: every combination, named, judged possible, impossible or unknown, kept or dropped with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builder.errors import Place
from builder.matrix import Flavor, Provider

Verdict = Literal["possible", "impossible", "unknown"]
Status = Literal["kept", "excluded", "dropped", "included"]
Weight = Literal["impossible", "unknown", "warning", "excluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a cell is as it is: the rule's id, a sentence, its source and date, and the nearest possible cells' ids."""

    rule: str
    weight: Weight
    message: str
    source: str | None = None
    date: str | None = None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination. `cuda` is `cpu` or a version (`12.6`); `torch` is a full release (`2.8.0`) where the tables know one."""

    id: str
    os: str
    python: str
    cuda: str
    torch: str
    arch: str  # x86_64 or aarch64
    provider: Provider
    flavor: Flavor
    verdict: Verdict
    status: Status
    reasons: tuple[Reason, ...]
    tags: tuple[str, ...]  # full references, repository:tag
    place: Place | None = None

    @property
    def selected(self) -> bool:
        """Whether this cell is to be built: possible, and neither excluded nor dropped."""
        return self.verdict == "possible" and self.status in ("kept", "included")
