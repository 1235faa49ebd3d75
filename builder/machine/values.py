"""What is known of a computer. What is not known is empty or None, and no claim."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

Arch = Literal["x86_64", "aarch64"]
DRIVER = re.compile(r"\d{3,4}(\.\d{1,4}){0,2}", re.ASCII)  # `535`, `535.54.03`
CPU_LEVELS = ("x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """`level` is the x86-64 level that the CPU reaches; `flags` those of `INTERESTING` in `probing` that it
    has; `count` the CPUs that may be used (a container may have fewer than the computer).
    """

    vendor: str = ""
    model: str = ""
    count: int | None = None
    level: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as nvidia-smi calls it, its compute capability (`8.6`), and its memory in bytes."""

    name: str
    capability: str = ""
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSeen:
    """A container engine that answers: `store` is its storage (overlay2, containerd), `gpus` whether it can
    pass them on.
    """

    kind: str
    version: str = ""
    store: str = ""
    buildkit: bool | None = None
    gpus: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An index or a registry, and whether it answers. `pulls_left` of `pulls` images may still be had."""

    name: str
    answers: bool
    note: str = ""
    pulls: int | None = None
    pulls_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A computer. `os` by the tables' name where they know it; sizes in bytes; `disk` is what is free where
    layers and files are kept; `nvidia_smi` is what that program said where it did not tell driver or GPUs;
    `engines` is None where nobody looked; `proxies` are names of variables.
    """

    os: str = ""
    glibc: str = ""
    arch: Arch = "x86_64"
    cpu: Cpu = Cpu()
    memory: int | None = None
    disk: int | None = None
    driver: str = ""
    gpus: tuple[Gpu, ...] = ()
    nvidia_smi: str = ""
    engines: tuple[EngineSeen, ...] | None = None
    toolkit: str = ""
    services: tuple[Service, ...] = ()
    proxies: tuple[str, ...] = ()


def as_json(machine: Machine) -> dict[str, Any]:
    """The description that `document.load` reads: what is not known is left out."""
    told: dict[str, Any] = _told(asdict(machine))
    if machine.engines is not None:
        told["engines"] = [_told(asdict(engine)) for engine in machine.engines]
    return told


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        found = {key: _told(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in ("", None, [], {})}
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    return value
