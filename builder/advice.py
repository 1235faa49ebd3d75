"""A machine + the tables → the cells that suit it best, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builder.cell.circumstances import Circumstances
from builder.cell.judge import Judge
from builder.cell.rules import Reasons
from builder.facts import Facts, OsRow
from builder.machine import Machine
from builder.names import cell_id, cuda_version, version_key

# Where the machine's own OS is no good for an image any more: what most people know, longest supported first.
FALLBACKS = ("ubuntu24.04", "debian13", "ubuntu22.04", "rocky9")
COMPANIONS = ("torchvision", "torchaudio")
UNFIT = frozenset({"no_torchvision", "no_torchaudio", "gpu_unknown", "driver_unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The cell that suits a machine, by its values (`cuda` is `12.6` or `cpu`), and why each was chosen.

    `warnings` are what is to be known of it there.
    """

    os: str
    python: str
    cuda: str
    torch: str
    why: tuple[tuple[str, str], ...]  # axis, sentence
    warnings: tuple[str, ...]

    @property
    def cell(self) -> str:
        """Its name."""
        return cell_id(os=self.os, python=self.python, cuda=self.cuda, torch=self.torch)


def capabilities(machine: Machine, facts: Facts) -> tuple[str, ...]:
    """The compute capabilities of the GPUs that wheels serve, each once."""
    found = []
    for gpu in machine.gpus:
        row = facts.gpu(gpu.name)
        capability = gpu.capability or (row.capability if row else "")
        if capability and not (
            "jetson" in gpu.name.lower() and version_key(capability) < version_key("11.0")
        ):
            found.append(capability)
    return tuple(dict.fromkeys(found))


def advise(machine: Machine, facts: Facts) -> Advice | None:
    """The newest torch that the machine runs, with the newest CUDA that its driver runs in full, where one is
    to be had. None where no build serves the machine.
    """
    needed = capabilities(machine, facts)
    rows = [facts.capabilities[one] for one in needed if one in facts.capabilities]
    if machine.driver and any(row.refusal(machine.driver) for row in rows):
        machine = replace(machine, driver="")  # it must give way to another
    around = Circumstances(
        arch=machine.arch, gpus=needed, driver=machine.driver, packages=frozenset(COMPANIONS)
    )
    judge, (os, why_os) = Judge(facts, around), _os(machine, facts)
    for torch in reversed(list(facts.torch)):
        for cuda in _cudas(torch, machine, judge) if needed else ("cpu",):
            for python in _pythons(torch, machine, facts):
                reasons = judge.reasons(os, python, cuda, torch)
                if not any(reason.blocks or reason.rule in UNFIT for reason in reasons):
                    why = (("os", why_os), *_why((os, torch, cuda), judge, machine))
                    return Advice(
                        os=os, python=python, cuda=cuda, torch=torch, why=why, warnings=_warned(reasons)
                    )
    return None


def _os(machine: Machine, facts: Facts) -> tuple[str, str]:
    """The OS of the images, and why."""

    def good(row: OsRow) -> bool:
        runs = (
            not row.cpu or not machine.cpu.level or machine.arch != "x86_64" or row.cpu <= machine.cpu.level
        )
        return row.eol >= facts.day and row.mirrors == "live" and runs

    own = facts.os.get(facts.os_name(machine.os) or "")
    if own and good(own):
        return own.name, "what the machine itself runs"
    last = max(FALLBACKS, key=lambda name: facts.os[name].eol)  # by tables that are older than all of them
    name = next((name for name in FALLBACKS if good(facts.os[name])), last)
    until = f"supported until {facts.os[name].eol}"
    if own is None:
        return name, until
    state = f"ended on {own.eol}" if own.eol < facts.day else "does not suit this CPU"
    return name, f"{until}; regular support of the machine's own {own.name} {state}"


def _cudas(torch: str, machine: Machine, judge: Judge) -> list[str]:
    """The CUDA versions that torch is built for: those that the driver runs in full first, newest first."""
    builds = judge.facts.torch[torch].builds(machine.arch)
    versions = [cuda_version(name) for name in builds if name != "cpu"]
    newest = sorted(versions, key=version_key, reverse=True)
    return sorted(newest, key=lambda cuda: bool(machine.driver) and not _full(cuda, machine, judge.facts))


def _full(cuda: str, machine: Machine, facts: Facts) -> bool:
    row = facts.cuda.get(cuda)
    return row is not None and row.support(machine.driver) == "full"


def _pythons(torch: str, machine: Machine, facts: Facts) -> Iterator[str]:
    """The Pythons that torch has wheels for, newest first; nobody who asks for advice wants no GIL."""
    minors = facts.torch[torch].python.get(machine.arch, ())
    return (minor for minor in reversed(minors) if not minor.endswith("t"))


def _why(chosen: tuple[str, str, str], judge: Judge, machine: Machine) -> Iterator[tuple[str, str]]:
    facts, (os, torch, cuda) = judge.facts, chosen
    yield "python", "the newest with wheels of torch, torchvision and torchaudio"
    if cuda == "cpu":
        yield "cuda", "of no GPU is known that wheels serve it" if machine.gpus else "there is no GPU"
    elif machine.driver:
        full = _full(cuda, machine, facts)
        how = "in full" if full else "by minor version compatibility"
        yield (
            "cuda",
            f"the newest that driver {machine.driver} runs {how}, with kernels for {_gpus(judge.around)}",
        )
    else:
        row = facts.cuda.get(cuda)
        needs = f"needs driver {row.min_driver}" if row else "which driver it needs is not in the tables"
        yield "cuda", f"the newest with kernels for {_gpus(judge.around)}; {needs}"
    newest = facts.newest_torch
    against = _against(newest, os, judge, machine) if torch != newest else ""
    yield "torch", f"not {newest}: {against}" if against else "the newest that there is"


def _gpus(around: Circumstances) -> str:
    return " and ".join(around.gpus)


def _against(torch: str, os: str, judge: Judge, machine: Machine) -> str:
    """What is against a release: of its oldest CUDA, which asks for the least. What no other build or
    Python of it would change comes first.
    """
    names = [name for name in judge.facts.torch[torch].builds(machine.arch) if name != "cpu"]
    python = next(_pythons(torch, machine, judge.facts), "")
    if not python or (judge.around.gpus and not names):
        return "it has no build for this machine"
    oldest = min(map(cuda_version, names), key=version_key) if judge.around.gpus else "cpu"
    stops = [r for r in judge.reasons(os, python, oldest, torch) if r.blocks or r.rule in UNFIT]
    first = sorted(stops, key=lambda reason: not reason.rule.startswith(("driver", "gpu")))
    return first[0].message if first else "no build of it fits all that this machine has"


def _warned(reasons: Reasons) -> tuple[str, ...]:
    return tuple(
        reason.message for reason in reasons if reason.weight == "warning" and reason.rule != "driver_floor"
    )
