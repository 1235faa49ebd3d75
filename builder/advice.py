"""A machine + the tables → the cells that suit it best, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from builder.cell.circumstances import Circumstances
from builder.cell.judge import Judge
from builder.cell.rules import Reasons
from builder.facts import Facts, OsRow
from builder.machine import JETSON, Machine, breaking, drivers, kinds
from builder.names import cell_id, cuda_version, version_key

# Where the machine's own OS is no good for an image any more: what most people know, longest supported first.
# The last two have an older glibc, for old engines.
FALLBACKS = ("ubuntu24.04", "debian13", "ubuntu22.04", "rocky9", "rocky8", "alma8")
COMPANIONS = ("torchvision", "torchaudio")
UNFIT = frozenset({"no_torchvision", "no_torchaudio", "gpu_unknown", "driver_unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The cell that suits a machine, by its values (`cuda` is `12.6` or `cpu`), and why each was chosen.

    `driver` is the one that it takes, where the machine's own does not do; empty: its own, or none at all.
    `warnings` are what is to be known of it there.
    """

    os: str
    python: str
    cuda: str
    torch: str
    driver: str = ""
    why: tuple[tuple[str, str], ...]  # axis or `driver`, sentence
    warnings: tuple[str, ...]

    @property
    def cell(self) -> str:
        """Its name."""
        return cell_id(os=self.os, python=self.python, cuda=self.cuda, torch=self.torch)


def capabilities(machine: Machine, facts: Facts) -> tuple[str, ...]:
    """The compute capabilities of the GPUs that wheels serve, each once."""
    return tuple(one for one in kinds(machine, facts) if one not in JETSON)


def advise(machine: Machine, facts: Facts) -> Advice | None:
    """The newest torch that the machine runs, with the newest CUDA that its driver runs in full, where one is
    to be had; or that another driver would run; or, where none would, a CPU build. None where there is no
    such thing.
    """
    needed = capabilities(machine, facts)
    serving = drivers(needed, facts)
    if needed and not serving.none:
        serves = machine.driver and serving.serve(machine.driver)
        advice = _newest(machine, needed, facts) if serves else None
        advice = advice or _on_another(machine, needed, facts)
        if advice:
            return advice
    return _newest(machine, (), facts)


def _on_another(machine: Machine, needed: tuple[str, ...], facts: Facts) -> Advice | None:
    """What suits the GPUs with the driver that it takes: of the last branch for them, where there is one."""
    serving = drivers(needed, facts)
    advice = _newest(replace(machine, driver=serving.last), needed, facts)
    if advice is None:
        return None
    row = facts.cuda.get(advice.cuda)  # an overlay's torch may be for a CUDA that they lack
    oldest = max(row.min_driver if row else "", serving.first or "", key=version_key)
    has = f"the machine has {machine.driver or 'none'}"
    how = (
        "the last branch that serves these GPUs" if serving.last else "the oldest that runs it on these GPUs"
    )
    if row is None:
        how = f"which driver CUDA {advice.cuda} needs is not in the tables"
    why = (*advice.why, ("driver", f"{how}; {has}"))
    return replace(advice, driver=serving.last or oldest, why=why)


def _newest(machine: Machine, needed: tuple[str, ...], facts: Facts) -> Advice | None:
    """The newest torch for GPUs of these capabilities on the machine's driver (empty: any), or for CPUs."""
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
    own = facts.os.get(facts.os_name(machine.os) or "")
    if own and not _flaw(own, machine, facts):
        return own.name, "what the machine itself runs"
    names = [name for name in FALLBACKS if not _flaw(facts.os[name], machine, facts)]
    row = facts.os[next(iter(names), FALLBACKS[0])]
    why = [f"supported until {row.eol}"]
    why += [_flaw(own, machine, facts, f"the machine's own {own.name}")] if own else []
    first = facts.os[FALLBACKS[0]]
    why += [_flaw(first, machine, facts)] if first not in (own, row) else []
    return row.name, "; ".join(why)


def _flaw(row: OsRow, machine: Machine, facts: Facts, called: str = "") -> str:
    """What speaks against images of an OS on this machine; empty where nothing does."""
    called = called or row.name
    if row.eol < facts.day:
        return f"regular support of {called} ended on {row.eol}"
    if row.mirrors != "live":
        return f"the packages of {called} went to an archive"
    if machine.arch == "x86_64" and row.cpu and "" < machine.cpu.level < row.cpu:
        return f"{called} asks for a CPU of {row.cpu}, and this one reaches {machine.cpu.level}"
    engine = breaking(machine, row.glibc)
    return f"{engine} breaks programs of {called} (glibc {row.glibc})" if engine else ""


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
    kernels = f"with kernels for {' and '.join(judge.around.gpus)}"
    if cuda == "cpu":
        yield "cuda", _why_cpu(machine, facts)
    elif machine.driver:
        how = "in full" if _full(cuda, machine, facts) else "by minor version compatibility"
        yield "cuda", f"the newest that driver {machine.driver} runs {how}, {kernels}"
    else:
        yield "cuda", f"the newest {kernels}"
    newest = facts.newest_torch
    against = _against(newest, os, judge, machine) if torch != newest else ""
    yield "torch", f"not {newest}: {against}" if against else "the newest that there is"


def _why_cpu(machine: Machine, facts: Facts) -> str:
    """Why a machine gets no CUDA."""
    needed = capabilities(machine, facts)
    if not machine.gpus:
        return "nvidia-smi tells no GPU" if machine.nvidia_smi else "there is no GPU"
    if not needed:
        return "of no GPU is known that wheels serve it"
    kind = f"compute capability {' and '.join(needed)}"
    if drivers(needed, facts).none:
        return f"no driver serves GPUs of {kind} together"
    return f"no build for {machine.arch} is known to have kernels for {kind}; no driver changes that"


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
