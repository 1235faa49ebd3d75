"""The rows of the tables, and what each can tell about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

Support = Literal["none", "minor", "full"]
Level = Literal["constraint", "requirement", "warning", "advice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """When a table was last held against its sources, and the day from which on it may be out of date."""

    name: str
    verified: str
    stale_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OsRow:
    """One OS release. `glibc` as text; `image` is the plain base image; `pkg` the package manager."""

    name: str
    family: str  # ubuntu, debian, rhel
    codename: str | None
    glibc: str
    eol: str
    eol_extended: str | None
    image: str
    image_status: str
    pkg: str  # apt, dnf, yum
    system_python: str  # the minor version of `python3` in the distribution
    extra_python: tuple[str, ...]  # further minors that the distribution itself packages
    gcc: str | None
    mirrors: str  # live, or where the packages went: vault, archive
    cpu: str | None  # the x86-64 level that its packages ask for
    cpu_source: str
    executable_stack_refused: bool
    source: str
    like: str = ""  # of a user's own OS: the release of the tables that it is

    @property
    def release(self) -> str:
        """The release that an image of this OS says it is."""
        return self.like or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRow:
    """One torch release: Pythons and glibc by architecture, builds, the package index's CUDA, companions."""

    version: str
    released: str
    python: Mapping[str, tuple[str, ...]]  # arch → minors, `3.13t` for free-threaded builds
    python_unconfirmed: tuple[str, ...]
    glibc: Mapping[str, str | None]
    glibc_by_variant: Mapping[str, str]  # x86_64, where builds differ
    glibc_inferred: tuple[str, ...]  # variants of `glibc_by_variant` that nobody measured
    variants: tuple[str, ...]  # cpu, cu126 …, x86_64 Linux
    variants_unconfirmed: tuple[str, ...]
    variants_aarch64: tuple[str, ...]
    default_cuda: Mapping[
        str, str | None
    ]  # arch with a wheel → CUDA of the package index's wheel, None: a CPU build
    torchvision: tuple[str, ...]  # the preferred release first; likewise the other companions
    torchaudio: tuple[str, ...]
    torchao: tuple[str, ...]
    cudnn: str | None  # what the package index's x86_64 wheel asks for; likewise nccl and triton
    nccl: str | None
    triton: str | None
    numpy2: bool
    executable_stack: bool  # x86_64
    note: str | None
    source: str
    variants_source: str

    def floor(self, arch: str, variant: str) -> str | None:
        """The lowest glibc for one build (`cu126`); None where there is no wheel for the architecture."""
        if arch == "x86_64" and variant in self.glibc_by_variant:
            return self.glibc_by_variant[variant]
        return self.glibc.get(arch)

    def builds(self, arch: str) -> tuple[str, ...]:
        """The variants that are known to exist for an architecture."""
        return self.variants if arch == "x86_64" else self.variants_aarch64


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaRow:
    """One CUDA release: drivers, GPUs, GCC limit, and NVIDIA's image tags as they exist.

    `min_driver` is the floor, `toolkit_driver` was paired with the release, `last_driver` with its
    last update.
    """

    version: str
    min_driver: str
    toolkit_driver: str
    last_driver: str
    archs: tuple[str, str]  # the lowest and the highest compute capability that it can build for
    gcc_below: int | None
    driver_branches: tuple[str, ...]  # older driver branches that NVIDIA's image lets through
    devel_images: Mapping[
        str, str
    ]  # OS name → full image reference with compiler (and cuDNN where there is such a tag)
    devel_unconfirmed: tuple[str, ...]  # OS names with images whose devel tag nobody named
    listed: bool  # whether NVIDIA's list still named the images when it was read
    source: str

    def support(self, driver: str) -> Support:
        """Whether a driver (`535`, `535.54.03`) runs it: in full, by minor version compatibility, or not."""
        if _older(driver, self.min_driver):
            return "none"
        return "minor" if _older(driver, self.toolkit_driver) else "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonRow:
    """One minor of CPython; `eol` is None where no date was published."""

    version: str
    eol: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """What one provider of interpreters offers; `newest_patch` maps a minor to the last patch seen."""

    name: str
    title: str
    python: tuple[str, ...]
    python_unconfirmed: tuple[str, ...]
    newest_patch: Mapping[str, int]
    glibc: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A companion (or one range of its releases) without a wheel for interpreters that torch supports."""

    package: str
    torch: str | None
    release: str | None
    python: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Architectures:
    """GPU architectures that the builds of a range of releases have kernels for: `8.6`, `12.0+PTX`."""

    torch: str
    arch: str
    variants: tuple[str, ...]
    archs: tuple[str, ...]
    source: str

    @property
    def inferred(self) -> bool:
        """Whether it was concluded from other builds, and not read of this one."""
        return "inferred" in self.source.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityRow:
    """A compute capability (`8.6`), the first driver that knows such GPUs, and the last branch that serves
    them; None where there is none yet, or nobody told.
    """

    capability: str
    first_driver: str | None
    last_branch: str | None
    source: str

    def refusal(self, driver: str) -> str:
        """Why a driver does not run such a GPU; empty where nothing is known against it."""
        kind = f"GPUs of compute capability {self.capability}"
        if self.first_driver and _older(driver, self.first_driver):
            return f"driver {driver} does not know {kind}; {self.first_driver} does"
        if self.last_branch and int(driver.partition(".")[0]) > int(self.last_branch):
            return f"driver {driver} no longer serves {kind}; branch {self.last_branch} is the last that does"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRow:
    """One model of GPU and its compute capability (`8.6`)."""

    name: str
    capability: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """What goes wrong under which conditions, and what helps. A condition that is None always holds."""

    id: str
    level: Level
    torch: str | None
    python: str | None
    glibc: str | None
    cuda: str | None
    flavor: str | None
    provider: str | None
    arch: str | None
    package: str | None
    bounded: bool  # only where the matrix bounds the package's release itself
    requirement: str | None
    symptom: str
    cause: str
    fix: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound that a trap of the tables makes necessary (`numpy<2`), with the trap's id and source."""

    requirement: str
    trap: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """Where facts were read; `seen` is the date of the copy that was read."""

    key: str
    title: str
    url: str | None
    seen: str


def _older(driver: str, than: str) -> bool:
    """Whether a driver is older. A branch alone (`535`, `R615`) stands for its newest release as what there
    is, and for its first one as what is needed.
    """
    there, needed = driver.removeprefix("R"), than.removeprefix("R")
    if "." not in there:
        return int(there) < int(needed.partition(".")[0])
    return Version(there) < Version(needed)
