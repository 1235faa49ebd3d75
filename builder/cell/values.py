"""What this room makes: cells, and the reasons why they are as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builder.errors import Place
from builder.matrix import Flavor, Platform, Provider
from builder.names import ARCHES

Verdict = Literal["possible", "impossible", "unknown"]
Status = Literal["kept", "excluded", "dropped", "included"]
Weight = Literal["impossible", "unknown", "warning", "excluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a cell is as it is: the rule, a sentence, its source and date, the nearest possible cells' ids."""

    rule: str
    weight: Weight
    message: str
    source: str | None = None
    date: str | None = None
    nearest: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether a cell with this reason cannot be built."""
        return self.weight in ("impossible", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination. `cuda` is `cpu` or `12.6`; `torch` a full release where the tables know one."""

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
    shared: tuple[str, ...] = ()  # those of the index that it is in, where a matrix has several platforms
    place: Place | None = None

    @property
    def platform(self) -> Platform:
        """What the image runs on, as registries name it."""
        return "linux/arm64" if self.arch == ARCHES["linux/arm64"] else "linux/amd64"

    @property
    def combination(self) -> tuple[str, str, str, str]:
        """What cells that differ only in their platform have in common."""
        return self.os, self.python, self.cuda, self.torch

    @property
    def selected(self) -> bool:
        """Whether this cell is to be built: possible, and neither excluded nor dropped."""
        return self.verdict == "possible" and self.status in ("kept", "included")
