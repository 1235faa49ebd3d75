"""What the tables answer when they are asked together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from builder.facts.rows import (
    Architectures,
    CapabilityRow,
    Constraint,
    CudaRow,
    Gap,
    GpuRow,
    Level,
    OsRow,
    ProviderRow,
    PythonRow,
    SourceRow,
    Table,
    TorchRow,
    Trap,
)
from builder.names import matches, variant

COMPANIONS = ("torchvision", "torchaudio", "torchao")
# What nvidia-smi and people add to a GPU's name: maker, form, memory. None of it changes the capability.
_GPU_WORDS = re.compile(
    r"nvidia|geforce|tesla|grid|super|laptop|mobile|with max-?q design|max-?q|gpu|generation"
    r"|(workstation |server )?edition|\(pascal\)|\(nvgpu\)|mig \d+g\.\d+gb|sxm\d*|pcie|nvl|dgxs"
    r"|fhhl|\bac\b|active|hbm\d\w*|\b\d+ ?gb?\b|(?<=gb)-\w+|(?<=k[24]0)[cm]\b|(?<=k20x)m\b|[^a-z0-9]"
)
# A share of a board, as guests see it: `GRID V100DX-32C`, `NVIDIA A40-48Q`, `GRID A100D-3-40C`.
_VGPU = re.compile(r"(?P<board>.+?)(dx|xm|[dxlpc])?(-\d)?-\d+[abcq]", re.IGNORECASE | re.ASCII)
_OTHER_NAMES = (("rockylinux", "rocky"), ("almalinux", "alma"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """All tables. `date` is the day on which torch's was last verified, `today` the one on which they are
    asked, where somebody told.

    In questions `torch` is a full release (`2.8.0`), `cuda` is `12.6` or `cpu`, `python` a minor (`3.13t`).
    `overlay` is the file that won over the shipped tables, where there is one, and `overlaid` what it tells:
    (table, row) → names of fields.
    """

    date: str
    tables: Mapping[str, Table]
    os: Mapping[str, OsRow]
    torch: Mapping[str, TorchRow]  # oldest first; likewise cuda and python
    cuda: Mapping[str, CudaRow]
    cuda_never: Mapping[str, str]  # numbers that were skipped, and how one knows
    python: Mapping[str, PythonRow]
    providers: Mapping[str, ProviderRow]
    gaps: tuple[Gap, ...]
    traps: tuple[Trap, ...]
    architectures: tuple[Architectures, ...]
    capabilities: Mapping[str, CapabilityRow]  # of GPUs
    gpus: tuple[GpuRow, ...]
    sources: Mapping[str, SourceRow]
    today: str = ""
    overlay: str | None = None
    overlaid: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """The day that ends of support are held against: today, or that of the tables where nobody told."""
        return max(self.today, self.date)

    def stale(self, today: str) -> tuple[Table, ...]:
        """The tables that may be out of date on that day (`2027-01-31`)."""
        return tuple(table for table in self.tables.values() if table.stale_after < today)

    @property
    def newest_torch(self) -> str:
        """The newest release that the tables know."""
        return list(self.torch)[-1]

    def torch_release(self, version: str) -> str | None:
        """The release that a version means: `2.8` its newest patch, `2.7.1` itself; None if unknown."""
        fitting = [release for release in self.torch if matches(version, release)]
        return fitting[-1] if fitting and version[:1].isdigit() else None

    def os_name(self, text: str) -> str | None:
        """The tables' name for an OS as people spell it (`Ubuntu:22.04`, `debian:bookworm`), or None."""
        squeezed = _squeezed(text)
        for row in self.os.values():
            distribution = row.name.rstrip("0123456789.")
            spelled = {_squeezed(row.name), _squeezed(f"{distribution}{row.codename}")}
            if squeezed in spelled:
                return row.name
        return None

    def built_for(self, cuda: str) -> bool:
        """Whether some release of torch was built for a CUDA, which may be newer than CUDA's own table."""
        name = variant(cuda)
        return cuda != "cpu" and any(
            name in row.variants or name in row.variants_aarch64 for row in self.torch.values()
        )

    def devel_image(self, os: str, cuda: str) -> str | None:
        """NVIDIA's image with a compiler, as its tag was seen; None where none was, and for `cpu`."""
        row = self.cuda.get(cuda)
        return row.devel_images.get(os) if row else None

    def companion(self, package: str, torch: str, python: str) -> str | None:
        """The release of torchvision, torchaudio or torchao that fits; None where none has a wheel."""
        row = self.torch.get(torch)
        if row is None or package not in COMPANIONS:
            return None
        fitting: tuple[str, ...] = getattr(row, package)
        gaps = [gap for gap in self.gaps if gap.package == package and _holds(gap.python, python)]
        for release in fitting:
            if not any(_holds(gap.torch, torch) and _holds(gap.release, release) for gap in gaps):
                return release
        return None

    def constraints(self, torch: str, python: str, glibc: str) -> tuple[Constraint, ...]:
        """Bounds to install under, one per trap: `numpy<2` below torch 2.3, `numpy<=2.2.6` on glibc 2.17 …"""
        return self._required("constraint", torch, python, glibc)

    def requirements(self, torch: str, python: str, glibc: str) -> tuple[Constraint, ...]:
        """What to install besides torch because torch forgets to ask for it (setuptools on Python 3.12)."""
        return self._required("requirement", torch, python, glibc)

    def _required(self, level: Level, torch: str, python: str, glibc: str) -> tuple[Constraint, ...]:
        return tuple(
            Constraint(requirement=trap.requirement, trap=trap.id, source=self.cited(trap.source)[0])
            for trap in self.traps
            if trap.level == level
            and trap.requirement
            and _holds(trap.torch, torch)
            and _holds(trap.python, python)
            and _holds(trap.glibc, glibc)
        )

    def kernels(self, torch: str, cuda: str, arch: str) -> Architectures | None:
        """What a build has kernels for; None for `cpu` and where unknown."""
        name = variant(cuda)
        rows = (row for row in self.architectures if row.arch == arch and name in row.variants)
        return next((row for row in rows if _holds(row.torch, torch)), None)

    def archs(self, torch: str, cuda: str, arch: str) -> tuple[str, ...]:
        """GPU architectures (`8.6`, `12.0+PTX`) of a build's kernels; empty for `cpu` and where unknown."""
        row = self.kernels(torch, cuda, arch)
        return row.archs if row else ()

    def gpu(self, name: str) -> GpuRow | None:
        """The model that nvidia-smi or people call so (`NVIDIA H100 80GB HBM3`, `3090`), or None."""
        share = _VGPU.fullmatch(name.strip())
        wanted = _gpu_name(share["board"] if share else name)
        found = {_gpu_name(row.name): row for row in self.gpus}
        before = ("", "rtx", "gtx", "gt", "quadro") if share else ("", "rtx", "gtx", "gt")
        spelled = [word + wanted for word in before if wanted]
        return next((found[one] for one in spelled if one in found), None)

    def is_capability(self, text: str) -> bool:
        """Whether GPUs have such a compute capability (`8.6`), or may have in the generation to come."""
        newest = max(map(Version, self.capabilities))
        following = newest < Version(text) and Version(text).major <= newest.major + 1
        return text in self.capabilities or following

    def pytorch_index(self, variant: str) -> str:
        """PyTorch's own index for one variant (`cu126`)."""
        return f"https://download.pytorch.org/whl/{variant}"

    def index_has_build(self, torch: str, cuda: str, arch: str) -> bool:
        """Whether the package index's wheel is the same build: torch without local version serves."""
        row = self.torch.get(torch)
        if row is None or arch not in row.default_cuda:
            return False
        return (row.default_cuda[arch] or "cpu") == cuda

    def cited(self, keys: str) -> tuple[str, str]:
        """Sources in words, and the newest date on which one of them was read; `keys` as rows hold them."""
        rows = [self.sources[key] for key in keys.split()]
        return "; ".join(row.title for row in rows), max(row.seen for row in rows)


def _gpu_name(text: str) -> str:
    return _GPU_WORDS.sub("", text.lower())


def _squeezed(text: str) -> str:
    squeezed = re.sub(r"[\s:_-]", "", text.lower())
    for other, ours in _OTHER_NAMES:
        squeezed = squeezed.replace(other, ours)
    return squeezed


def _holds(condition: str | None, value: str) -> bool:
    return condition is None or matches(condition, value)
