"""What this room speaks of: packages that were found in an image, and the image that a document is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from builder.errors import CellError, EnvbuildError, InputError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package as the image itself tells it.

    `name` is normalized (PEP 503) for a Python distribution, `spelled` as its metadata has it, which is what
    `pip list` shows; a system package has both alike. `version` of a system package has its epoch, as in
    `1:2.3-4`. `expression` is an SPDX licence expression; `licence` what the metadata say in other words, and
    may have many lines. Both are empty where nothing is told.
    """

    name: str
    version: str
    spelled: str
    architecture: str = ""  # in the package manager's words: amd64, x86_64, all, noarch
    source: str = ""  # the source package's name, and its version
    source_version: str = ""
    expression: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The system, by its os-release: ID, VERSION_ID (empty where it rolls), PRETTY_NAME."""

    id: str
    version: str
    title: str

    @property
    def distro(self) -> str:
        """As package URLs name it: `debian-12`."""
        return f"{self.id}-{self.version}" if self.version else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in an image, each list sorted: the distributions that the environment's Python sees, that
    Python itself (`cpython` and its version), and the packages that `tool` knows as installed.
    """

    python: tuple[Package, ...]
    interpreter: Package
    system: tuple[Package, ...]
    tool: Literal["dpkg", "rpm"]
    os: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The image that a document is about.

    `digest` is `sha256:…` of its manifest, or its image ID. `epoch` is the lock's, in seconds since 1970: the
    only time that a document names. `version` is envbuild's. Raises `InputError` for any other digest.
    """

    name: str  # repository without a tag
    digest: str
    cell: str
    epoch: int
    version: str

    def __post_init__(self) -> None:
        if not DIGEST.fullmatch(self.digest):
            raise InputError.of(f"{self.digest!r} is no sha256 digest of an image")

    @property
    def sha256(self) -> str:
        """The digest's 64 digits."""
        return self.digest.removeprefix("sha256:")

    @property
    def pinned(self) -> str:
        """`cell@sha256:…`: the same for equal images, whatever repository they are in."""
        return f"{self.cell}@{self.digest}"


def odd(reason: str) -> EnvbuildError:
    """The error of an image that does not tell plainly what is in it."""
    return CellError.of(
        f"what is in the image cannot be listed: {reason}",
        hint="its package manager's database or its environment is damaged, or something in it writes in",
    )
