"""uv's pylock.toml → pins: one wheel per package, each with its address and sha256."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from builder.errors import CellError, OutsideError
from builder.source.api import Pin
from builder.source.scrub import bare

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


def pins(text: str, tags: Sequence[Tag] = (), *, free_threaded: bool) -> tuple[Pin, ...]:
    """The pins of a lock file that uv wrote for one platform, by name. Raises `CellError` for no wheel.

    uv names several wheels of a release where several run (a wheel that was uploaded again, or under more
    tags): the one that pip would take is pinned, by the order of `tags`, then by its build number.
    """
    rank = {tag: place for place, tag in enumerate(tags)}
    found = tuple(_pin(package, rank) for package in tomllib.loads(text).get("packages", ()))
    for pin in found:
        _refuse_foreign_abi(pin, free_threaded)
    return tuple(sorted(found, key=lambda pin: pin.name))


def _pin(package: dict[str, Any], rank: Mapping[Tag, int]) -> Pin:
    """One package's pin. A direct address stands under `archive`."""
    name, version = str(package["name"]), str(package.get("version", ""))
    wheels = package.get("wheels") or [package[key] for key in ("archive",) if key in package]
    if not wheels or not all("url" in wheel for wheel in wheels):
        raise CellError.of(
            f"{name} {version} cannot be pinned: it is no wheel with an address",
            hint="give a version that the index has a wheel of, or the https address of a wheel",
        )
    for wheel in wheels:
        _agree(name, version, _filename(wheel))
    wheel = min(wheels, key=lambda wheel: _preference(_filename(wheel), rank))
    url, filename = bare(str(wheel["url"])), _filename(wheel)
    sha256 = wheel.get("hashes", {}).get("sha256")
    if not sha256:
        raise OutsideError.of(
            f"the index gives no sha256 for {filename}", hint="upgrade uv: pip install -U uv"
        )
    return Pin(
        name=str(canonicalize_name(name)),
        version=version or str(parse_wheel_filename(filename)[1]),
        filename=filename,
        url=url,
        sha256=sha256,
        size=wheel.get("size"),
    )


def _filename(wheel: dict[str, Any]) -> str:
    return unquote(urlsplit(bare(str(wheel["url"]))).path).rpartition("/")[2]


def _preference(filename: str, rank: Mapping[Tag, int]) -> tuple[int, tuple[int, str], str]:
    """The best tag first, then the highest build number; the name only so that there is an order."""
    _, _, build, tags = parse_wheel_filename(filename)
    number, letters = build or (0, "")
    best = min((rank.get(tag, len(rank)) for tag in tags), default=len(rank))
    return best, (-number, letters), filename


def _agree(name: str, version: str, filename: str) -> None:
    """Refuse a file whose name is not this package's wheel: it becomes a path on this machine."""
    try:
        file_name, file_version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        raise CellError.of(
            f"{name} {version} is only there as {filename}, which is no wheel",
            hint="envbuild installs wheels only: build one, and name its folder in pip's find-links",
        ) from None
    if file_name != canonicalize_name(name) or (version and file_version != Version(version)):
        raise CellError.of(f"{name} {version}: the index offers {filename} for it")


def _refuse_foreign_abi(pin: Pin, free_threaded: bool) -> None:
    """A last check that uv saw the right kind of Python: free-threaded ones have their own ABI (`cp313t`)."""
    for tag in parse_wheel_filename(pin.filename)[3]:
        if tag.abi.startswith("cp") and tag.abi.endswith("t") == free_threaded:
            return
        if not tag.abi.startswith("cp"):
            return
    kind = "free-threaded" if free_threaded else "usual"
    raise CellError.of(f"{pin.filename} is not for the {kind} build of this Python")
