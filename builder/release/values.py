"""What is published, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from builder.bundle import bundle_digest
from builder.engine.api import Assembled
from builder.errors import CellError, Problem
from builder.image import Image, Locked
from builder.lock import Lock
from builder.matrix import Level
from builder.verification import Verification, contradiction

How = Literal["there", "mounted", "sent", "shared"]  # shared: with another image of this run
Through = Literal["registry", "engine"]  # who talked to the registry
DEPTH: dict[str, int] = {"static": 0, "basic": 1, "deep": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An image with the verdict that lets it be published. There is no other way to one than a verdict that
    this envbuild's verifier reached on this very image, at least at `level`, put together here from the same
    bytes of the same lock: else `CellError`.
    """

    image: Image
    proof: Verification
    level: Level
    wanted: str  # what the matrix wants proven, see `Verification.wanted`
    made: Assembled
    locked: Locked
    lock: Lock

    def __post_init__(self) -> None:
        reason = next(chain(self._of_proof(), self._of_image()), None)
        if reason:
            raise refused(self.image.cell, reason)

    def _of_proof(self) -> Iterator[str]:
        proof = self.proof
        if proof.image != self.image.id:
            yield f"the verdict is on another image ({proof.image[:19]})"
        if proof.cell != self.image.cell:
            yield f"the verdict is on another cell ({proof.cell})"
        if proof.status != "passed":
            yield f"its verification says: {proof.status}" + (f" ({proof.reason})" if proof.reason else "")
        if proof.verifier != bundle_digest():
            yield "it passed another version of the verifier"
        if proof.level == "static":
            yield "it was only looked at (level static), nothing was trained"
        if DEPTH.get(proof.level, 0) < DEPTH[self.level]:
            yield f"it was verified at level {proof.level}, and the matrix asks for {self.level}"
        if proof.wanted != self.wanted:
            yield "the matrix wants other things proven than were"
        if told := contradiction(proof):
            yield f"its record contradicts itself: {told}"

    def _of_image(self) -> Iterator[str]:
        locked = self.locked
        if locked.recipe.cell.id != self.image.cell or locked.inputs != self.image.inputs:
            yield "it was built from another lock"
        if self.made.id != self.image.id:
            yield f"what was verified cannot be made again: it would be {self.made.id[:19]}"


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
    """A published image. `digest` is that of its manifest, as it was read back from the registry; through the
    engine, as that told it: then nothing is known of `moved` tags and `layers`, and there are no `papers`.
    """

    cell: str
    image: str  # its ID
    repository: str  # host/path
    digest: str
    tags: tuple[str, ...]  # put last
    moved: tuple[str, ...]  # tags that named another image before
    layers: tuple[Sending, ...]
    papers: tuple[tuple[str, str], ...]  # name, digest of its manifest
    through: Through = "registry"
    signed: str | None = (
        None  # sha256 of the public key (DER) by which it has a signature of this run's asking
    )

    @property
    def reference(self) -> str:
        """`repository@sha256:…`."""
        return f"{self.repository}@{self.digest}"

    @property
    def sent(self) -> int:
        """Bytes of layers that this run sent."""
        return sum(layer.sent for layer in self.layers)
