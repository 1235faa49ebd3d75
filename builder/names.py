"""How things are spelled: cell ids, versions, CUDA variants, tags, patterns. Parse and format, no more."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

CELL_ID = re.compile(
    r"(?P<os>[a-z][a-z0-9.-]*[a-z0-9.])-py(?P<python>\d+(?:\.\d+){1,2}t?)"
    r"-(?P<cuda>cpu|cu\d{2,4})-torch(?P<torch>\d+(?:\.\d+)*)(?:-(?P<architecture>amd64|arm64))?"
)
ARCHES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}  # platforms in the words of machines and wheels
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def cell_id(*, os: str, python: str, cuda: str, torch: str, architecture: str = "") -> str:
    """The one name of a cell: `ubuntu22.04-py3.11-cu126-torch2.8.0`. `cuda` is `cpu` or a version.

    `architecture` (`amd64`, `arm64`) comes last, where a matrix has several.
    """
    return suffixed(f"{os}-py{python}-{variant(cuda)}-torch{torch}", architecture)


def suffixed(name: str, architecture: str) -> str:
    """The name of one architecture's part of what `name` is: `…-arm64`. No architecture changes nothing."""
    return f"{name}-{architecture}" if architecture else name


def variant(cuda: str) -> str:
    """PyTorch's name for a CUDA version: `12.6` → `cu126`, `cpu` → `cpu`."""
    return "cpu" if cuda == "cpu" else "cu" + cuda.replace(".", "")


def cuda_version(name: str) -> str:
    """The inverse of `variant`: `cu126` → `12.6`, `cu92` → `9.2`, `cpu` → `cpu`; a version stays as it is.

    A major has two digits, but for `cu92` and older: `cu1210` is 12.10, and `cu13` a major alone.
    """
    if not name.startswith("cu"):
        return name
    digits = name.removeprefix("cu")
    major = 1 if len(digits) < 3 and digits[0] > "1" else 2
    return ".".join(filter(None, (digits[:major], digits[major:])))


def version_key(text: str) -> tuple[int, Version, str]:
    """A sort key: versions order as versions (3.9 < 3.10), `3.13t` follows `3.13`, words come first."""
    try:
        return (1, Version(text.removesuffix("t")), text)
    except InvalidVersion:
        return (0, Version("0"), text)


def matches(pattern: str, value: str) -> bool:
    """Whether `pattern` means `value`: a glob (`centos*`), a range (`>=2.1,<2.4`), or the value itself.

    A bare version also means everything below it: `2.8` matches `2.8.0` and not `2.80`.
    """
    if pattern[:1] in "<>=!~":
        try:
            return Version(value.removesuffix("t")) in SpecifierSet(pattern)
        except (InvalidVersion, InvalidSpecifier):
            return False
    return fnmatchcase(value, pattern) or value.startswith(pattern + ".")
