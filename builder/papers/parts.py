"""Contents + pins → parts: each package with its URL, its kind, and the lock's file that it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from packaging.utils import canonicalize_name

from builder.papers.distributions import normalized
from builder.papers.values import Contents, Package
from builder.source.api import Pin

Kind = Literal["python", "interpreter", "system"]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One package of an image. `purl` is its package URL (github.com/package-url/purl-spec), and no other
    part's. `pin` is None for what no lock pins, as the base's own packages.
    """

    kind: Kind
    package: Package
    purl: str
    pin: Pin | None


def parts(contents: Contents, pins: Iterable[Pin]) -> tuple[Part, ...]:
    """Everything in the image, sorted by package URL.

    `pins` are those of the image's cell (`LockedCell.pins`, `LockedSystem.packages`). One is a part's when
    name, version and (of a .deb) architecture are the same, and no second file of the pins has all of these.
    """
    known: dict[Key, set[Pin]] = {}
    for pin in pins:
        known.setdefault(_pin_key(pin), set()).add(pin)
    kinds: tuple[tuple[Kind, tuple[Package, ...]], ...] = (
        ("python", contents.python),
        ("interpreter", (contents.interpreter,)),
        ("system", contents.system),
    )
    found = {
        purl: Part(kind=kind, package=package, purl=purl, pin=_only(known.get(_key(kind, package))))
        for kind, packages in kinds
        for package in packages
        for purl in (_purl(kind, package, contents),)
    }
    return tuple(found[purl] for purl in sorted(found))


def _only(pins: set[Pin] | None) -> Pin | None:
    return next(iter(pins)) if pins and len(pins) == 1 else None


def _pin_key(pin: Pin) -> Key:
    if pin.filename.endswith(".whl"):
        return ("python", canonicalize_name(pin.name), normalized(pin.version))
    if pin.filename.endswith(".deb"):
        return ("system", pin.name, pin.version, pin.filename.removesuffix(".deb").rpartition("_")[2])
    return ("interpreter", pin.name, pin.version)


def _key(kind: Kind, package: Package) -> Key:
    architecture = (package.architecture,) if kind == "system" else ()
    return (kind, package.name, package.version, *architecture)


def _purl(kind: Kind, package: Package, contents: Contents) -> str:
    if kind == "python":
        return purl("pypi", package.name, package.version)
    if kind == "interpreter":
        return purl("generic", package.name, package.version)
    system, told = contents.os, {"arch": package.architecture, "distro": contents.os.distro}
    if contents.tool == "dpkg":
        return purl(f"deb/{quote(system.id)}", package.name, package.version, told)
    epoch, _, version = package.version.rpartition(":")
    return purl(f"rpm/{quote(system.id)}", package.name, version, {**told, "epoch": epoch})


def purl(kind: str, name: str, version: str, qualifiers: dict[str, str] | None = None) -> str:
    """`pkg:KIND/NAME@VERSION?…`, encoded; qualifiers sorted, and without those that are empty."""
    told = "&".join(f"{key}={_quoted(value)}" for key, value in sorted((qualifiers or {}).items()) if value)
    return f"pkg:{kind}/{_quoted(name)}@{_quoted(version)}" + (f"?{told}" if told else "")


def _quoted(text: str) -> str:
    """Colons stay as they are in package URLs."""
    return quote(text, safe=":")
