"""Recipe + engine → Image: a built image, known by its id."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image: `id` as the engine tells it, `size` in bytes, and the digest of the recipe that it came from."""

    cell: str
    id: str
    tags: tuple[str, ...]
    size: int
    base: str
    base_id: str
    recipe: str  # the recipe's digest
    packages: tuple[tuple[str, str], ...]  # what was installed: normalized name, version
    seconds: float
