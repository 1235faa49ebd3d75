"""What the user asked for, as values: the types that the other rooms read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder.errors import Place

Provider = Literal["standalone", "system", "conda"]
Flavor = Literal["runtime", "devel"]
Level = Literal["static", "basic", "deep"]
BaseSource = Literal["auto", "registry", "bootstrap"]
Platform = Literal["linux/amd64", "linux/arm64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A scalar as written, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Cells to leave out: a pattern per named axis (see `names.matches`); None matches all."""

    os: str | None = None
    python: str | None = None
    cuda: str | None = None
    torch: str | None = None
    reason: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One more tag for the newest of the cells that the patterns mean; `{os}` and the like in it make a tag
    for each of their values.
    """

    tag: str
    os: str | None = None
    python: str | None = None
    cuda: str | None = None
    torch: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """One more cell, outside the product; `provider` overrides the matrix's for this cell alone."""

    os: Value
    python: Value
    cuda: Value
    torch: Value
    provider: Provider | None = None
    reason: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The account that the image runs as."""

    name: str = "app"
    uid: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSystem:
    """An OS of the user's own: `name` for the axis, the release that it is `like`, and its base image."""

    name: str
    like: Value
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySettings:
    """How thoroughly to verify. `gpus`: compute capabilities (`8.6`) that the image must have kernels for."""

    level: Level = "basic"
    epochs: int = 10
    gpus: tuple[str, ...] = ()
    memory: int = 4 * 1024**3  # bytes
    timeout: int = 600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A whole matrix file. Axes keep the order of the file; names are the tables' (`ubuntu22.04`, `12.6`)."""

    path: Path
    name: str  # the file's name without its suffix
    image: str  # repository
    tags: tuple[Value, ...]
    os: tuple[Value, ...]
    python: tuple[Value, ...]
    cuda: tuple[Value, ...]
    torch: tuple[Value, ...]
    immutable: tuple[str, ...] = ()  # patterns of tags that never move once they are in a registry
    aliases: tuple[Alias, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    include: tuple[Inclusion, ...] = ()
    impossible: Literal["error", "drop"] = "error"
    provider: Provider = "standalone"
    pip: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    user: User = field(default_factory=User)
    flavor: Flavor = "runtime"
    platforms: tuple[Platform, ...] = ("linux/amd64",)  # in the order of `Platform`
    base: BaseSource = "auto"
    systems: tuple[OwnSystem, ...] = ()
    verify: VerifySettings = field(default_factory=VerifySettings)
    size_budget: int | None = None  # bytes
