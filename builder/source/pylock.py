"""uv's pylock.toml → pins: one wheel per package, each with its address and sha256."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from builder.errors import CellError, OutsideError
from builder.source.api import Pin
from builder.source.scrub import bare

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


def pins(text: str, *, free_threaded: bool) -> tuple[Pin, ...]:
    """The pins of a lock file that uv wrote for one platform, by name. Raises `CellError` for no wheel."""
    found = tuple(_pin(package) for package in tomllib.loads(text).get("packages", ()))
    for pin in found:
        _refuse_foreign_abi(pin, free_threaded)
    return tuple(sorted(found, key=lambda pin: pin.name))


def _pin(package: dict[str, Any]) -> Pin:
    """One package's pin. uv lists one wheel for one platform; a direct address stands under `archive`."""
    name, version = str(package["name"]), str(package.get("version", ""))
    wheels = package.get("wheels") or [package[key] for key in ("archive",) if key in package]
    if len(wheels) != 1 or "url" not in wheels[0]:
        raise CellError.of(
            f"{name} {version} cannot be pinned: it is no single wheel with an address",
            hint="give a version that the index has a wheel of, or the https address of a wheel",
        )
    wheel = wheels[0]
    url = bare(str(wheel["url"]))
    filename = unquote(urlsplit(url).path).rpartition("/")[2]
    _agree(name, version, filename)
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
