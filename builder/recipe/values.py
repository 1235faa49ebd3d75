"""What a recipe is, and what it claims."""

from __future__ import annotations

from dataclasses import dataclass

from builder.cell import Cell
from builder.source.api import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the finished image must be, for verification to hold it against.

    `torch` has its local version (`2.8.0+cu126`); `cuda` is None on a CPU cell; `packages` maps a
    distribution's normalized name to the version that must be found (only those that the recipe pins);
    `settings` is the environment.
    """

    os: str
    python: str
    torch: str
    cuda: str | None
    arch: str
    flavor: str
    user: str
    uid: int
    prefix: str
    packages: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A rendered folder, what is to be fetched for it, and what it claims. `files`: path → bytes, sorted."""

    cell: Cell
    base: str  # the base image's reference
    files: tuple[tuple[str, bytes], ...]
    order: Order
    claim: Claim
    digest: str  # sha256:… over paths and bytes
    os_digest: (
        str  # sha256:… over base and the files that the `os` stage reads; equal for cells that share it
    )
    # A shell script for a container of the base: what that stage would install; empty where nobody can tell.
    os_question: str = ""
    os_asked: str = ""  # sha256:… over that script and the packages that it asks for
    custom: bool = False  # whether the page's last stage does more, or other things, than envbuild's own
