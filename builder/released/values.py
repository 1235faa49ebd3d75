"""What was found under a reference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A paper: its name as a file, its artifact type, the digest of its manifest, and its bytes."""

    name: str
    kind: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the verification that lets it be published says. `loss` is the last epoch's mean."""

    status: str
    level: str
    checks: int
    loss: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in a registry. `size` are the bytes of its layers as they are kept there; `packages` are
    package URLs by its bill of materials; `problems` are what is missing and what does not fit.
    """

    digest: str  # of its manifest
    id: str  # of its config
    platform: str
    created: str
    size: int
    diff_ids: tuple[str, ...]
    layer_types: tuple[str, ...]
    annotations: tuple[tuple[str, str], ...]
    cell: str | None
    base: str | None
    papers: tuple[Attached, ...]
    verdict: Verdict | None
    packages: tuple[str, ...]
    signed: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reference names: one image, or an index of several."""

    asked: str
    repository: str  # host/path
    digest: str  # of the manifest or index that it names
    index: bool
    images: tuple[Image, ...]
    problems: tuple[str, ...] = ()  # of the index itself

    @property
    def good(self) -> bool:
        """Whether nothing is missing and everything fits."""
        return not self.problems and not any(image.problems for image in self.images)
