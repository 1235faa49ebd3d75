"""Which builds of torch PyTorch's own pages know: its index of wheels, and its release matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from packaging.version import Version

from builder.facts.upkeep.wheels import wheels
from builder.names import cuda_version, variant, version_key
from builder.source.project_page import IndexFile

INDEX = "https://download.pytorch.org/whl"
MATRIX = "https://raw.githubusercontent.com/pytorch/pytorch/main/RELEASE.md"

BUILD = re.compile(r"cpu|cu\d{2,4}")
ROW = re.compile(r"\|\s*(?P<minor>\d+\.\d+)\s*\|[^|]*\|[^|]*\|(?P<stable>[^|]*)\|(?P<experimental>[^|]*)\|")
CUDA = re.compile(r"CUDA (\d+\.\d+)")

Builds = Mapping[str, Mapping[str, tuple[str, ...]]]  # release → architecture → builds


def of_index(files: Iterable[IndexFile], first: str) -> Builds:
    """The builds that PyTorch's index has wheels of, `cpu` first.

    A wheel's build is its local version (`+cu126`); old ones without one are told by their folder.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for file in files:
        for wheel in wheels(file):
            folder = urlsplit(file.url).path.split("/")[-2]
            build = wheel.local or folder
            if wheel.release >= Version(first) and not wheel.release.is_prerelease and BUILD.fullmatch(build):
                found.setdefault(str(wheel.release), {}).setdefault(wheel.arch or "", set()).add(build)
    return {
        release: {arch: in_order(builds) for arch, builds in by_arch.items()}
        for release, by_arch in found.items()
    }


def of_matrix(page: str) -> Mapping[str, tuple[str, ...]]:
    """The CUDA builds of each minor (`2.14`) that PyTorch's release matrix names, stable and experimental."""
    rows = ROW.finditer(page)
    return {
        row["minor"]: in_order(variant(cuda) for cuda in CUDA.findall(row["stable"] + row["experimental"]))
        for row in rows
    }


def in_order(builds: Iterable[str]) -> tuple[str, ...]:
    """`cpu` first, then CUDA's versions; each once."""
    return tuple(sorted(set(builds), key=lambda build: version_key(cuda_version(build))))
