"""A project's files → its releases: which Pythons, architectures and glibc their Linux wheels are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from builder.names import version_key
from builder.source.platforms import of_tag
from builder.source.project_page import IndexFile

ARCHES = ("x86_64", "aarch64")
# The tags of old wheels claim less than their symbols and dependencies need: nothing here runs below 2.17.
LOWEST_GLIBC = Version("2.17")
INTERPRETER = re.compile(r"cp(3)(\d+)")
TYPICAL = "3.11"  # the Python whose wheel is read where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One Linux wheel: its release, and the tags that it has by architecture. `python` None: for any."""

    release: Version
    local: str | None
    arch: str | None  # None: for any
    python: str | None
    glibc: str | None
    file: IndexFile

    @property
    def stem(self) -> str:
        """The file's name without project, version and ending: build and tags."""
        return self.file.filename.removesuffix(".whl").split("-", 2)[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release's Linux wheels. `released` is the day of the first upload, where the index tells it."""

    version: str
    released: str | None
    wheels: tuple[Wheel, ...]

    def python(self, arch: str) -> tuple[str, ...]:
        """The Pythons with a wheel for an architecture, the plain ones first."""
        minors = {wheel.python for wheel in self.wheels if wheel.arch == arch and wheel.python}
        return tuple(sorted(minors, key=version_key))

    def glibc(self, arch: str) -> str | None:
        """The lowest glibc that wheels for an architecture run on."""
        floors = [Version(wheel.glibc) for wheel in self.wheels if wheel.arch == arch and wheel.glibc]
        return str(max(LOWEST_GLIBC, *floors)) if floors else None

    def typical(self, arch: str) -> Wheel | None:
        """The wheel that is read for what the release asks for."""
        fitting = [wheel for wheel in self.wheels if wheel.arch in (arch, None)]
        plain = [wheel for wheel in fitting if not (wheel.python or "").endswith("t")]
        exact = [wheel for wheel in plain if wheel.python == TYPICAL]
        return next(iter(exact or plain or fitting), None)

    @property
    def hashes(self) -> dict[str, str]:
        """Build and tags of each wheel → its sha256, as far as the index tells it."""
        return {wheel.stem: wheel.file.sha256 for wheel in self.wheels if wheel.file.sha256}


def releases(files: Iterable[IndexFile], first: str) -> Mapping[str, Release]:
    """The final releases from `first` on that have a Linux wheel, oldest first. Yanked files do not count."""
    found: dict[Version, list[Wheel]] = {}
    for file in files:
        for wheel in () if file.yanked else wheels(file):
            final = not (wheel.release.is_prerelease or wheel.release.is_postrelease or wheel.local)
            if final and wheel.release >= Version(first):
                found.setdefault(wheel.release, []).append(wheel)
    return {str(version): _release(str(version), found[version]) for version in sorted(found)}


def _release(version: str, found: list[Wheel]) -> Release:
    days = [wheel.file.uploaded for wheel in found if wheel.file.uploaded]
    ordered = tuple(sorted(found, key=lambda wheel: wheel.file.filename))
    return Release(version=version, released=min(days, default=None), wheels=ordered)


def wheels(file: IndexFile) -> Iterator[Wheel]:
    """What a file is as a wheel for Linux: once per architecture and Python; nothing for other files."""
    try:
        _, version, _, tags = parse_wheel_filename(file.filename)
    except InvalidWheelFilename:
        return
    seen: dict[tuple[str | None, str | None], list[str]] = {}
    for tag in tags:
        platform = of_tag(tag.platform)
        minor = INTERPRETER.fullmatch(tag.interpreter)
        if platform:
            python = f"3.{minor[2]}{'t' if tag.abi.endswith('t') else ''}" if minor else None
            seen.setdefault((platform[0], python), []).append(platform[1])
        elif tag.platform == "any":
            seen.setdefault((None, None), [])
    for (arch, python), floors in seen.items():
        known = [Version(floor) for floor in floors if floor]
        yield Wheel(
            release=Version(version.public),
            local=version.local,
            arch=arch,
            python=python,
            glibc=str(min(known)) if known else None,
            file=file,
        )
