"""This computer → `Machine`. What it does not tell stays unknown; a tool that is not there is an answer."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.machine.nvidia_smi import ask
from builder.machine.programs import ProgramError, Run, run
from builder.machine.values import CPU_LEVELS, Arch, Cpu, EngineSeen, Machine, Service
from builder.yamldoc import shown

# What a build of torch may use: vectors, bfloat16, int8 dot products, matrix tiles; on ARM dot products, SVE.
INTERESTING = ("avx", "avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_int8", "amx_bf16",
               "asimddp", "sve", "sve2", "bf16")  # fmt: skip
# The x86-64 psABI's levels, by the kernel's names for features.
LEVELS = (
    frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}),
    frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
)
STREAM_FROM = 8  # from then on CentOS is CentOS Stream, and /etc/os-release does not say so
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Where to look: the root of the file system, how to run a program, and the environment."""

    root: Path = Path("/")
    run: Run = run
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


def probe(
    store: Path, engines: tuple[EngineSeen, ...], services: tuple[Service, ...], here: Here | None = None
) -> Machine:
    """This computer, with the engines and services that the caller found. Layers are kept in `store`."""
    here = here or Here()
    told = ask(here.run)
    arch: Arch = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    return Machine(
        os=_os(_text(here.root / "etc/os-release")),
        glibc=platform.libc_ver()[1],
        arch=arch,
        cpu=cpu(_text(here.root / "proc/cpuinfo"), _cpus(here.root), arch),
        memory=_memory(here.root),
        disk=_free(store),
        driver=told.driver,
        gpus=told.gpus,
        nvidia_smi=told.trouble,
        engines=engines,
        toolkit=_toolkit(here.run),
        services=services,
        proxies=tuple(name for name in PROXIES if here.env.get(name) or here.env.get(name.upper())),
    )


def cpu(cpuinfo: str, count: int | None, arch: str) -> Cpu:
    """What /proc/cpuinfo says."""

    def told(*keys: str) -> str:
        found = (re.search(rf"^{key}\s*: (.*)$", cpuinfo, re.MULTILINE) for key in keys)
        return next((match[1].strip() for match in found if match), "")

    flags = frozenset(told("flags", "Features").split())
    level = 0
    while arch == "x86_64" and level < len(LEVELS) and LEVELS[level] <= flags:
        level += 1
    return Cpu(
        vendor=shown(told("vendor_id", "CPU implementer")),
        model=shown(told("model name"), 200),
        count=count,
        level=CPU_LEVELS[level] if flags and arch == "x86_64" else "",
        flags=tuple(flag for flag in INTERESTING if flag in flags),
    )


def _os(release: str) -> str:
    """`debian12`, for the tables to find. Releases of the RHEL family count by their major."""
    told = dict(re.findall(r"^(ID|VERSION_ID)=\"?([^\"\n]*)\"?$", release, re.MULTILINE))
    name, version = told.get("ID", ""), told.get("VERSION_ID", "")
    if name in ("centos", "rocky", "almalinux"):
        version = version.partition(".")[0]
    stream = "-stream" if name == "centos" and version.isdigit() and int(version) >= STREAM_FROM else ""
    return f"{name}{stream}{version}"


def _cpus(root: Path) -> int | None:
    """CPUs that this process may use: affinity, and the control group's quota."""
    count = len(os.sched_getaffinity(0))
    quota, _, period = _text(root / "sys/fs/cgroup/cpu.max").strip().partition(" ")
    if quota.isdigit() and period.isdigit():
        count = min(count, max(1, int(quota) // int(period)))
    return count


def _memory(root: Path) -> int | None:
    """The computer's memory, or the control group's limit where that is lower."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    groups = root / "sys/fs/cgroup"  # version 2, then version 1
    limit = (_text(groups / "memory.max") or _text(groups / "memory/memory.limit_in_bytes")).strip()
    known = [int(match[1]) * 1024] if match else []
    return min([*known, *([int(limit)] if limit.isdigit() else [])], default=None)


def _free(folder: Path) -> int | None:
    there = next((one for one in (folder, *folder.parents) if one.exists()), None)
    return shutil.disk_usage(there).free if there else None


def _toolkit(run: Run) -> str:
    try:
        told = run(["nvidia-ctk", "--version"])
    except ProgramError:
        return ""
    match = re.search(r"\d+(\.\d+)+", told or "", re.ASCII)
    return match[0] if match else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
