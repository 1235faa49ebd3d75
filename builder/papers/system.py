"""The lines that a distribution's package manager wrote → packages."""

from __future__ import annotations

import re
from typing import Literal

from builder.papers.values import Package, odd

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}"
VERSION = r"[A-Za-z0-9][A-Za-z0-9_.+~:^-]{0,199}"
ARCHITECTURE = r"[a-z0-9][A-Za-z0-9_-]{0,49}"
DPKG = re.compile(
    rf"(?P<status>[a-z-]+)\t(?P<name>{NAME})\t(?P<version>{VERSION})\t(?P<architecture>{ARCHITECTURE})"
    rf"\t(?P<source>{NAME})\t(?P<source_version>{VERSION})"
)
# Without a hyphen, which separates both in a version. `(none)`: a key that rpm was told to trust is a
# package, too.
PART = r"[A-Za-z0-9][A-Za-z0-9_.+~^]{0,99}"
RPM = re.compile(
    rf"(?P<name>{NAME})\t(?P<epoch>[0-9]{{1,10}})\t(?P<version>{PART})\t(?P<release>{PART})"
    rf"\t(?P<architecture>{ARCHITECTURE}|\(none\))"
    rf"\t(?:(?P<source>{NAME})-(?P<source_version>{PART}-{PART})\.(?:no)?src\.rpm|\(none\))"
)
GONE = ("not-installed", "config-files")  # no file of the package is there any more


def read(tool: Literal["dpkg", "rpm"], text: str) -> tuple[Package, ...]:
    """The packages, sorted. Raises `CellError` for a line that is none, for one told twice, and for none."""
    lines = text.split("\n")
    if lines.pop():
        raise odd(f"{tool} was cut off")
    told = [_dpkg(line) if tool == "dpkg" else _rpm(line) for line in lines]
    found = [package for package in told if package]
    keys = {(package.name, package.version, package.architecture) for package in found}
    if not found:
        raise odd(f"{tool} knows no package")
    if len(keys) != len(found):
        raise odd(f"{tool} tells a package twice")
    return tuple(sorted(found, key=lambda package: (package.name, package.version, package.architecture)))


def _dpkg(line: str) -> Package | None:
    fields = _fields(DPKG, line)
    name, status = fields["name"], fields.pop("status")
    return None if status in GONE else Package(spelled=name, **fields)


def _rpm(line: str) -> Package:
    fields = _fields(RPM, line)
    epoch, release = fields.pop("epoch"), fields.pop("release")
    version = f"{fields['version']}-{release}"
    fields["version"] = version if epoch == "0" else f"{epoch}:{version}"
    fields["architecture"] = fields["architecture"].replace("(none)", "")
    return Package(spelled=fields["name"], **fields)


def _fields(form: re.Pattern[str], line: str) -> dict[str, str]:
    found = form.fullmatch(line)
    if found is None:
        raise odd(f"{line[:200]!a} is no package")
    return found.groupdict(default="")
