"""What a lock pins."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from builder.source.api import Pin

SCHEMA = "envbuild.lock/1"
CANONICAL = 2  # version of the canonical form of layers and configs; another one makes other image IDs


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBase:
    """A base image by its content.

    `layers` are diff_ids from the lowest on: they tell the content on every engine. `digest` is the
    registry's (of the index where there is one), None for a base that was bootstrapped or only lies in an
    engine. `env`
    and `labels` are what images inherit of its config; a bootstrapped base has none. `created` is the date of
    its config, or of the mirror that it was bootstrapped from, in seconds since 1970 (0: untold).
    """

    reference: str  # as in `debian:12`
    digest: str | None
    platform: str  # linux/amd64 …
    layers: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    origin: str  # registry, engine or bootstrap
    created: int = 0

    @property
    def pinned(self) -> str | None:
        """`debian@sha256:…`, by which a registry has this base and no other; None where none has it."""
        name = self.reference.partition("@")[0]
        head, _, tag = name.rpartition(":")
        return f"{head if head and '/' not in tag else name}@{self.digest}" if self.digest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedSystem:
    """The distribution's packages of `os` stages that ask for the same; `key` is made by `system_key`.

    `packages` are in no need of a network once fetched; None where the package manager cannot tell them in
    advance (`why` says so): such a step needs the network and may come out differently another day. `date` is
    that of the package lists, in seconds since 1970 (0: untold).
    """

    key: str
    packages: tuple[Pin, ...] | None
    why: str | None = None
    date: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCell:
    """One cell: the recipe that it was locked for, and what it takes of the lock's tables."""

    id: str
    recipe: str  # digest
    base: str  # reference, with `platform` the key of `Lock.bases`
    platform: str
    system: str  # key of `Lock.systems`
    interpreter: Pin | None
    wheels: tuple[Pin, ...]

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Everything that this cell's environment is made of."""
        return (*((self.interpreter,) if self.interpreter else ()), *self.wheels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Every input of a matrix's images, by content."""

    matrix: str  # sha256:… of what the matrix says (comments and layout do not count)
    canonical: int
    epoch: int  # seconds since 1970: the newest date among bases and package lists; never now, never 0
    bases: tuple[LockedBase, ...]
    systems: tuple[LockedSystem, ...]
    cells: tuple[LockedCell, ...]

    def base(self, reference: str, platform: str) -> LockedBase | None:
        """The base of that reference for that platform."""
        wanted = (reference, platform)
        return next((one for one in self.bases if (one.reference, one.platform) == wanted), None)

    def name_of(self, base: LockedBase) -> str:
        """Its reference; with its platform, where this lock has that reference for several."""
        times = sum(one.reference == base.reference for one in self.bases)
        return base.reference if times < 2 else f"{base.reference} {base.platform}"

    def system(self, key: str) -> LockedSystem | None:
        """The packages of that `os` stage."""
        return next((one for one in self.systems if one.key == key), None)

    def cell(self, ident: str) -> LockedCell | None:
        """The cell of that id."""
        return next((one for one in self.cells if one.id == ident), None)

    @property
    def files(self) -> tuple[Pin, ...]:
        """Every file that is to be fetched, each once, by name."""
        packages = (pin for system in self.systems for pin in system.packages or ())
        wheels = (pin for cell in self.cells for pin in cell.pins)
        each = {pin.sha256: pin for pin in (*packages, *wheels)}
        return tuple(sorted(each.values(), key=lambda pin: (pin.name, pin.version, pin.filename)))


def digest_of(said: object) -> str:
    """`sha256:…` of what a document says: the order of keys and the layout do not count."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def system_key(asked: str, base: LockedBase) -> str:
    """The key of what a recipe with this `os_asked` gets for answer on this base's content. Bases for two
    platforms have other programs, and so other layers.
    """
    text = "\n".join((asked, *base.layers))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
