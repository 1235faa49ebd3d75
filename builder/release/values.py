"""What is published, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from builder.engine.api import Assembled
from builder.errors import CellError, Problem
from builder.image import Image
from builder.verification import Verification

How = Literal["there", "mounted", "sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An image with the verdict that lets it be published. There is no other way to one than a verdict that
    passed on this very image, put together here from the same bytes: else `CellError`.
    """

    image: Image
    proof: Verification
    made: Assembled

    def __post_init__(self) -> None:
        reason = self._reason()
        if reason:
            raise refused(self.image.cell, reason)

    def _reason(self) -> str | None:
        if self.proof.image != self.image.id:
            return f"the verdict is on another image ({self.proof.image[:19]})"
        if self.proof.status != "passed":
            return f"its verification says: {self.proof.status}"
        if self.made.id != self.image.id:
            return f"what was verified cannot be made again: it would be {self.made.id[:19]}"
        return None


def refused(cell: str, reason: str, hint: str = "`envbuild up` builds and verifies it") -> CellError:
    """Why a cell is not published."""
    return CellError((Problem(message=f"not published: {reason}", hint=hint, cell=cell),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A layer on its way: `size` bytes as the registry keeps it, `sent` of them in this run."""

    diff_id: str
    digest: str
    media_type: str
    size: int
    how: How
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A published image. `digest` is that of its manifest, as it was read back from the registry."""

    cell: str
    image: str  # its ID
    repository: str  # host/path
    digest: str
    tags: tuple[str, ...]  # put last
    moved: tuple[str, ...]  # tags that named another image before
    layers: tuple[Sending, ...]
    papers: tuple[tuple[str, str], ...] = ()  # artifact type, digest of its manifest

    @property
    def reference(self) -> str:
        """`repository@sha256:…`."""
        return f"{self.repository}@{self.digest}"

    @property
    def sent(self) -> int:
        """Bytes of layers that this run sent."""
        return sum(layer.sent for layer in self.layers)
