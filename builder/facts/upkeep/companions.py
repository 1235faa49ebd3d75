"""Which torchvision, torchaudio and torchao go with a torch, by what their wheels ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from builder.facts.upkeep.wheels import Release

TORCHAO_STABLE = (
    Version("0.17.0"),
    Version("2.11"),
)  # from this torchao on, any torch from that one on (S20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """One release of a companion. `torch`: what its wheel asks for, None where it is silent."""

    version: str
    uploaded: str | None
    torch: SpecifierSet | None

    @property
    def exact(self) -> bool:
        """Whether it asks for one torch alone."""
        return self.torch is not None and any(one.operator in ("==", "===") for one in self.torch)


def fitting(found: Sequence[Companion], torch: Release) -> tuple[str, ...] | None:
    """The companions of a torch, the preferred one first; None where they cannot be told without a date.

    Those that ask for it alone come first. One that asks for a range was built against the torch of its day,
    so it counts for what was out by then. Where none asks, the newest silent one that is not newer in number.
    """
    takes = [one for one in found if one.torch is not None and one.torch.contains(torch.version)]
    pins = sorted((one.version for one in takes if one.exact), key=Version, reverse=True)
    ranges = [one for one in takes if not one.exact]
    if ranges and not (torch.released and all(one.uploaded for one in ranges)):
        return None
    since = sorted(
        (one.version for one in ranges if (one.uploaded or "") >= (torch.released or "")), key=Version
    )
    if pins or since:
        return (*pins, *since)
    silent = [one.version for one in found if one.torch is None]
    older = [version for version in silent if Version(version) <= Version(torch.version)]
    return (max(older, key=Version),) if older else ()


def torchao(releases: Sequence[str], torch: str) -> tuple[str, ...]:
    """The torchao releases that fit, the newest first; none for an older torch, whose pairs nobody publishes.

    torchao asks for no torch. From 0.17.0 on its binary interface is stable, for torch 2.11 and newer.
    """
    first, least = TORCHAO_STABLE
    if Version(torch) < least:
        return ()
    return tuple(sorted((one for one in releases if Version(one) >= first), key=Version, reverse=True))
