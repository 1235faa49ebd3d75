"""The driver and the GPUs that nvidia-smi tells; what else it says is never an error of envbuild's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.machine.programs import ProgramError, Run, first_line
from builder.machine.values import DRIVER, Gpu
from builder.yamldoc import shown

SMI = [
    "nvidia-smi",
    "--format=csv,noheader,nounits",
    "--query-gpu=driver_version,name,memory.total,compute_cap",
]
OLDER = [*SMI[:-1], SMI[-1].removesuffix(",compute_cap")]  # for drivers before 510
NO_GPU = "No devices were found"
# driver, name, memory and, since 510, compute capability; what it does not know stands in brackets.
LINE = re.compile(r"(?P<driver>[^,]+), (?P<name>[^,]+), (?P<memory>\d+|\[[^,]+)(, (?P<capability>[^,]+))?")
CAPABILITY = re.compile(r"[1-9]\d?\.\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Driver and GPUs; `trouble` is what it said where it did not tell them."""

    driver: str = ""
    gpus: tuple[Gpu, ...] = ()
    trouble: str = ""


def ask(run: Run) -> Told:
    """What it tells; nothing at all where there is none."""
    try:
        return read(_out(run))
    except ProgramError as error:
        return Told() if NO_GPU in str(error) else Told(trouble=str(error))


def _out(run: Run) -> str:
    try:
        return run(SMI) or ""
    except ProgramError as error:
        if "compute_cap" not in str(error):
            raise
        return run(OLDER) or ""


def read(out: str) -> Told:
    """The lines of its answer: a GPU each, with warnings between them, or words."""
    lines = [match for line in out.splitlines() if (match := LINE.fullmatch(line.strip()))]
    if not lines:
        return Told(trouble="" if NO_GPU in out else first_line(out))
    driver = next((line["driver"] for line in lines if DRIVER.fullmatch(line["driver"])), "")
    trouble = "" if driver else f"it tells no driver but {shown(lines[0]['driver'])}"
    return Told(driver=driver, gpus=tuple(map(_gpu, lines)), trouble=trouble)


def _gpu(line: re.Match[str]) -> Gpu:
    capability = line["capability"] or ""
    return Gpu(
        name=shown(line["name"].strip()),
        capability=capability if CAPABILITY.fullmatch(capability) else "",
        memory=int(line["memory"]) * 2**20 if line["memory"].isdigit() else None,
    )
