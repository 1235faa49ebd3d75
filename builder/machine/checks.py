"""What is right and wrong with a machine: one function per check, each finding with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from packaging.version import Version

from builder.facts import Facts
from builder.machine.driver_check import driver
from builder.machine.drivers import JETSON, capability_of
from builder.machine.engines import CLONE3_FROM, CLONE3_GLIBC, blocks_clone3, named, refuses_zstd
from builder.machine.finding import Finding, Severity
from builder.machine.values import EngineSeen, Gpu, Machine

GB = 10**9
# What images were seen to need: a CUDA image and its layers are 6 GB twice, a CPU image 1 GB.
DISK_CUDA, DISK_CPU = 20 * GB, 5 * GB
MEMORY = 4 * 2**30  # what a verification may use, unless the matrix says otherwise
COMPUTE_CAP = "8.6"
FEW_PULLS = 20  # a matrix of a few OSes, built twice
# What nvidia-smi says when it fails → what helps.
REMEDIES = {
    "Driver/library version mismatch": "restart the machine: the driver was updated while its old module ran",
    "couldn't communicate with the NVIDIA driver": "install NVIDIA's driver, or load it (modprobe nvidia)",
    "did not answer": "look at the kernel's messages (dmesg) for the driver's, and restart the machine",
}
LOOK = "run nvidia-smi by hand: until it lists the GPUs, nothing is known of them"


def findings(machine: Machine, facts: Facts) -> tuple[Finding, ...]:
    """All findings, in the order of `CHECKS`."""
    return tuple(finding for check in CHECKS for finding in check(machine, facts))


def engine(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether something can build and run images, and how well."""
    if machine.engines is None:
        return
    if not machine.engines:
        remedy = "install Docker or Podman, or name an engine with DOCKER_HOST; `plan` and `render` need none"
        yield Finding(
            check="engine", severity="problem", message="no container engine answers", remedy=remedy
        )
    for one in machine.engines:
        store = one.store and f"{one.store} store"
        builder = {True: "BuildKit", False: "no BuildKit", None: ""}[one.buildkit]
        about = ", ".join(filter(None, (store, builder)))
        name = named(one)
        yield Finding(
            check="engine", severity="ok", message=f"{name} answers" + (f" ({about})" if about else "")
        )
        yield from _old(one, name, facts)


def _old(one: EngineSeen, name: str, facts: Facts) -> Iterator[Finding]:
    if blocks_clone3(one):
        yield Finding(
            check="engine",
            severity="warning",
            message=f"{name} blocks a system call of glibc {CLONE3_GLIBC} (Debian 12, Ubuntu 22.04, RHEL 9)",
            remedy=f"update it to {CLONE3_FROM} or newer",
            source=facts.cited("clone3")[0],
        )
    if refuses_zstd(one):
        yield Finding(
            check="engine",
            severity="note",
            message=f"{name} cannot pull images whose layers are packed with zstd",
            remedy="publish with --compat for such engines",
        )


def disk(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether images fit."""
    del facts
    if machine.disk is None:
        return
    free, wanted = f"{machine.disk / GB:.0f} GB are free", DISK_CUDA if machine.gpus else DISK_CPU
    if machine.disk < wanted:
        low: Severity = "problem" if machine.disk < DISK_CPU else "warning"
        what = (
            "a CUDA image needs 6 GB, and its layers as much"
            if machine.gpus
            else "a CPU image needs 1 GB, and more while it is made"
        )
        remedy = (
            "free some (`envbuild cache prune`, `docker system df`), or keep both elsewhere (ENVBUILD_STORE)"
        )
        yield Finding(check="disk", severity=low, message=f"{free}: {what}", remedy=remedy)
    else:
        yield Finding(check="disk", severity="ok", message=free)


def memory(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether a verification has room."""
    del facts
    if machine.memory is None:
        return
    there = f"{machine.memory / 2**30:.1f} GiB of memory"
    if machine.memory < MEMORY:
        remedy = "write a lower `verify: {memory: …}` into the matrix, or use another machine"
        message = f"{there}; a verification may use 4 GiB"
        yield Finding(check="memory", severity="warning", message=message, remedy=remedy)
    else:
        yield Finding(check="memory", severity="ok", message=there)


def cpu(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether the CPU runs what distributions and torch are compiled for."""
    level = machine.cpu.level
    if machine.arch != "x86_64" or not level:
        return
    above = [row.name for row in facts.os.values() if row.cpu and row.cpu > level]
    if above:
        message = f"the CPU reaches {level}: programs of {', '.join(above)} do not run on it"
        source = facts.cited(next(row.cpu_source for row in facts.os.values() if row.name == above[0]))[0]
        yield Finding(
            check="cpu", severity="warning", message=message, remedy="take another OS", source=source
        )
    if level < "x86-64-v3":
        message = "the CPU has no AVX2: training works, int8 models of torch's FBGEMM do not"
        yield Finding(check="cpu", severity="warning", message=message, source=facts.cited("general")[0])
    elif not above:
        extra = [name for name in machine.cpu.flags if name.startswith(("amx_bf16", "avx512_bf16"))]
        yield Finding(
            check="cpu",
            severity="ok",
            message=f"the CPU reaches {level}" + (f" ({', '.join(extra)})" if extra else ""),
        )


def gpus(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Which GPUs there are; none is an answer."""
    if machine.nvidia_smi:
        remedy = next((what for said, what in REMEDIES.items() if said in machine.nvidia_smi), LOOK)
        message = f"nvidia-smi does not tell what is there: {machine.nvidia_smi}"
        yield Finding(check="gpu", severity="problem", message=message, remedy=remedy)
    elif not machine.gpus:
        message = "no NVIDIA GPU: CPU images can be proven here, CUDA images can be built and not be proven"
        yield Finding(check="gpu", severity="note", message=message)
    for one in machine.gpus:
        yield _gpu(one, facts)
        yield from _doubtful(one, facts)


def _gpu(one: Gpu, facts: Facts) -> Finding:
    capability = capability_of(one, facts)
    if not capability:
        remedy = f"add its compute capability to the description: {{name: …, capability: {COMPUTE_CAP}}}"
        message = f"{one.name} is not in the tables"
        return Finding(check="gpu", severity="warning", message=message, remedy=remedy)
    if capability in JETSON:
        return Finding(
            check="gpu",
            severity="warning",
            message=f"{one.name}: the ARM wheels with CUDA are for servers; it wants NVIDIA's own builds",
            remedy="take NVIDIA's images for Jetson, or a CPU image",
            source=facts.cited("general")[0],
        )
    size = f", {one.memory / 2**30:.0f} GiB" if one.memory else ""
    return Finding(check="gpu", severity="ok", message=f"{one.name} (compute capability {capability}{size})")


def _doubtful(one: Gpu, facts: Facts) -> Iterator[Finding]:
    """A compute capability that is told and cannot be, by the tables."""
    row = facts.gpu(one.name)
    if one.capability and row and row.capability != one.capability:
        message = (
            f"{one.name} has compute capability {row.capability} by the tables, and {one.capability} is told"
        )
    elif one.capability and not facts.is_capability(one.capability):
        message = f"compute capability {one.capability} is not in the tables"
    else:
        return
    remedy = f"compare with nvidia-smi --query-gpu=name,compute_cap; {one.capability} is believed"
    source = facts.cited(row.source)[0] if row else ""
    yield Finding(check="gpu", severity="warning", message=message, remedy=remedy, source=source)


def glibc(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """What runs on the machine itself, without a container."""
    if not machine.glibc:
        return
    floors = {torch: row.floor(machine.arch, "cpu") for torch, row in facts.torch.items()}
    fitting = [torch for torch, floor in floors.items() if floor and Version(floor) <= Version(machine.glibc)]
    if not fitting or fitting[-1] != facts.newest_torch:
        runs = f"torch up to {fitting[-1]}" if fitting else "no torch of these tables"
        message = f"glibc {machine.glibc} runs {runs} outside containers; images have their own"
        yield Finding(check="glibc", severity="note", message=message, source=facts.cited("pypi wheel")[0])


def toolkit(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether containers get the GPUs."""
    del facts
    if not machine.gpus or not machine.engines:
        return
    if any(one.gpus for one in machine.engines):
        version = f"NVIDIA container toolkit {machine.toolkit}: " if machine.toolkit else ""
        yield Finding(check="toolkit", severity="ok", message=f"{version}containers can have the GPUs")
    elif any(one.gpus is False for one in machine.engines):
        message = "containers do not get the GPUs"
        remedy = (
            "install the NVIDIA container toolkit, then: nvidia-ctk runtime configure, and restart the engine"
        )
        yield Finding(check="toolkit", severity="problem", message=message, remedy=remedy)


def network(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Which indexes and registries answer, and how much they still give."""
    del facts
    for one in machine.services:
        state, note = ("answers" if one.answers else "does not answer"), f" ({one.note})" if one.note else ""
        remedy = "" if one.answers else "check network, proxy and certificates, or name a mirror of your own"
        if one.pulls_left is not None:
            note += f", and allows {one.pulls_left} more pulls" + (f" of {one.pulls}" if one.pulls else "")
            remedy = "log in (docker login), which allows more, or pull through a mirror of your own"
        few = one.pulls_left is not None and one.pulls_left < FEW_PULLS
        yield Finding(
            check="network",
            severity="warning" if few or not one.answers else "ok",
            message=f"{one.name} {state}{note}",
            remedy=remedy if few or not one.answers else "",
        )
    if machine.proxies:
        yield Finding(
            check="network", severity="note", message=f"proxies are set: {', '.join(machine.proxies)}"
        )


CHECKS: tuple[Callable[[Machine, Facts], Iterator[Finding]], ...] = (
    engine,
    disk,
    memory,
    cpu,
    gpus,
    driver,
    glibc,
    toolkit,
    network,
)
