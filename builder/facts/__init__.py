"""Which OS, Python, CUDA and PyTorch fit together: tables (YAML beside this file, each fact with its source) and their readers.

Nothing here judges; rows answer questions about themselves, `cell` makes verdicts of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OsRow:
    """One OS release. `glibc` as text; `image` is the plain base image; `pkg` the package manager's family."""

    name: str
    family: str  # ubuntu, debian, rhel
    codename: str | None
    glibc: str
    eol: str
    eol_extended: str | None
    image: str
    pkg: str  # apt, dnf, yum
    system_python: str  # the minor version of `python3` in the distribution
    extra_python: tuple[str, ...]  # further minors that the distribution itself packages
    gcc: str | None
    mirrors: str  # live, or where the packages went: vault, archive
    executable_stack_refused: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRow:
    """One torch release: Pythons and glibc by architecture, variants, default CUDA of the package index, companions."""

    version: str
    released: str
    python: Mapping[str, tuple[str, ...]]  # arch → minors, `3.13t` for free-threaded builds
    glibc: Mapping[str, str | None]
    variants: tuple[str, ...]  # cpu, cu126 …, x86_64 Linux
    variants_unconfirmed: tuple[str, ...]
    default_cuda: Mapping[str, str | None]  # arch → CUDA of the package index's wheel
    torchvision: tuple[str, ...]
    torchaudio: tuple[str, ...]
    torchao: tuple[str, ...]
    cudnn: str | None
    numpy2: bool
    executable_stack: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRow:
    """One CUDA release: driver floor, paired driver, GCC limit, and NVIDIA's image tags as they exist."""

    version: str
    min_driver: str
    toolkit_driver: str
    gcc_below: int | None
    devel_images: Mapping[str, str]  # OS name → full image reference with compiler (and cuDNN where there is such a tag)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound that a trap of the tables makes necessary (`numpy<2`), with the trap's id and source."""

    requirement: str
    trap: str
    source: str
