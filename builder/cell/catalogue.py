"""Every rule by its name: what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from builder.cell.values import Weight
from builder.facts.rows import Level

REFRESH = "`envbuild facts refresh` asks the package index; an overlay file can say it, too"
OTHER_DRIVER = "update the driver on the machine, or take an older CUDA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, or a trap with its level. `table` is where `envbuild facts show` has what it goes by."""

    name: str
    weight: Weight | Level
    meaning: str
    remedy: str
    table: str


def _row(name: str, weight: Weight, table: str, meaning: str, remedy: str) -> tuple[str, Rule]:
    return name, Rule(name=name, weight=weight, meaning=meaning, remedy=remedy, table=table)


RULES: Mapping[str, Rule] = MappingProxyType(
    dict(
        (
            _row(
                "unknown_torch", "unknown", "torch", "The tables do not know this release of torch.", REFRESH
            ),
            _row("unknown_cuda", "unknown", "cuda", "The tables do not know this release of CUDA.", REFRESH),
            _row(
                "no_python_wheel",
                "impossible",
                "torch",
                "This torch was never built for this Python on this architecture.",
                "take a Python that the release has wheels for, or a release that has them for your Python",
            ),
            _row(
                "python_unconfirmed",
                "unknown",
                "torch",
                "Such a Python was announced, and nobody has seen the wheels or the interpreter.",
                REFRESH,
            ),
            _row(
                "no_variant",
                "impossible",
                "torch",
                "PyTorch's index has no build of this torch for this CUDA.",
                "take a CUDA that the release was built for; each release has three or four",
            ),
            _row(
                "variant_unconfirmed",
                "unknown",
                "torch",
                "The build was announced, and nobody has seen it on PyTorch's stable index.",
                REFRESH,
            ),
            _row(
                "glibc_too_old",
                "impossible",
                "os",
                "The wheel's libraries ask for a newer glibc than the operating system has.",
                "take a newer release of the system, or an older torch: 2.6 was the last below glibc 2.28",
            ),
            _row(
                "exec_stack",
                "impossible",
                "os",
                "A library in the wheel asks for an executable stack, and glibc 2.41 and later refuse that.",
                "take a newer torch, or an older release of the system",
            ),
            _row(
                "glibc_inferred",
                "warning",
                "torch",
                "That the build runs on this glibc was concluded from others, not measured.",
                "verification shows whether it holds",
            ),
            _row(
                "provider_python",
                "impossible",
                "python",
                "Whoever provides Python here (`python.provider`) does not have this one.",
                "take another provider: standalone has 3.8 and later, conda older ones, system its own",
            ),
            _row(
                "python_patch",
                "unknown",
                "python",
                "The tables do not know whether the provider has this very patch.",
                "name the minor alone (3.11): it takes the newest patch",
            ),
            _row(
                "no_base_image",
                "impossible",
                "cuda",
                "NVIDIA publishes no image with this CUDA's compiler for this system.",
                "take a system that it has one for, or `flavor: runtime`",
            ),
            _row(
                "devel_unconfirmed",
                "unknown",
                "cuda",
                "The tables do not know what NVIDIA calls its image of this CUDA for this system.",
                "`envbuild plan --online` asks the registry",
            ),
            _row(
                "devel_unlisted",
                "warning",
                "cuda",
                "NVIDIA's image is no longer on its list of supported tags, and may be deleted.",
                "copy it to a registry of your own, or take a newer CUDA",
            ),
            _row(
                "host_gcc",
                "impossible",
                "cuda",
                "This CUDA's compiler refuses the system's C++ compiler as too new.",
                "take an older release of the system, a newer CUDA, or `flavor: runtime`",
            ),
            _row(
                "gpu_unknown",
                "warning",
                "torch",
                "For which GPUs this build has kernels is not in the tables.",
                "verification on such a GPU shows it",
            ),
            _row(
                "gpu_too_old",
                "impossible",
                "gpu",
                "The build has no kernels for a GPU of that generation any more.",
                "take an older CUDA or an older torch",
            ),
            _row(
                "gpu_too_new",
                "impossible",
                "gpu",
                "The build was made before that generation of GPUs, and has no kernels for it.",
                "take a newer CUDA or a newer torch",
            ),
            _row(
                "driver_unknown",
                "warning",
                "cuda",
                "A torch was built for this CUDA, and the tables do not know which driver it needs.",
                "take an older CUDA, or tell its drivers in an overlay file",
            ),
            _row(
                "driver_too_old",
                "impossible",
                "cuda",
                "The machine's driver is too old for wheels of this CUDA.",
                OTHER_DRIVER,
            ),
            _row(
                "driver_refused",
                "impossible",
                "cuda",
                "NVIDIA's images refuse to start on a driver older than their CUDA's own.",
                f"{OTHER_DRIVER}, or `flavor: runtime`, which needs less",
            ),
            _row(
                "driver_and_gpu",
                "impossible",
                "gpu",
                "The machine's driver does not serve its GPU: too old, or past the last branch for it.",
                "install a driver that does",
            ),
            _row(
                "driver_below_toolkit",
                "warning",
                "cuda",
                "The driver runs this CUDA by minor version compatibility, with limits.",
                "update the driver where a kernel does not load",
            ),
            _row(
                "driver_floor",
                "warning",
                "cuda",
                "The driver that the machine will need; an image does not bring one.",
                "look at nvidia-smi there, or ask with `envbuild plan --driver`",
            ),
            _row(
                "eol",
                "warning",
                "os",
                "The system or the Python gets no security updates any more.",
                "take a newer one where you can",
            ),
            *(
                _row(
                    f"no_{package}",
                    "warning",
                    "torch",
                    f"{package} has no release, or no wheel, that goes with this torch and Python.",
                    f"take {package} out of packages.pip, or another torch or Python",
                )
                for package in ("torchvision", "torchaudio", "torchao")
            ),
            _row(
                "bounds",
                "warning",
                "traps",
                "A bound that a trap makes necessary leaves no release that packages.pip asks for.",
                "loosen the requirement",
            ),
            _row(
                "excluded",
                "excluded",
                "",
                "The matrix leaves the cell out by itself, under `exclude`.",
                "change the rule in the matrix; its place is told",
            ),
        )
    )
)
