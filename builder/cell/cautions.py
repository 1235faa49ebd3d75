"""What a user should know about a cell that can exist."""

from __future__ import annotations

from builder.cell.circumstances import Circumstances
from builder.cell.rules import NONE, Reasons, minor_of, reason
from builder.facts import Facts, Trap
from builder.names import matches

COMPANIONS = ("torchvision", "torchaudio", "torchao")


def end_of_life(facts: Facts, os: str) -> Reasons:
    """An OS whose regular support has ended."""
    row = facts.os[os]
    if row.eol >= facts.day:
        return NONE
    message = f"{os} reached the end of regular support on {row.eol}"
    if row.eol_extended and row.eol_extended >= facts.day:
        message += f"; extended support lasts until {row.eol_extended}"
    return reason(facts, "eol", "warning", message, "S13")


def python_end_of_life(facts: Facts, python: str) -> Reasons:
    """A Python that is no longer supported."""
    minor = minor_of(python).rstrip("t")
    row = facts.python.get(minor)
    if row is None or row.eol is None or row.eol >= facts.day:
        return NONE
    return reason(facts, "eol", "warning", f"Python {minor} reached end of life on {row.eol}", row.source)


def driver(facts: Facts, cuda: str) -> Reasons:
    """The driver that a host will need; advice, because no host is known yet."""
    row = facts.cuda.get(cuda)
    if row is None and facts.built_for(cuda):
        message = f"which driver CUDA {cuda} needs on the host is not in these tables"
        return reason(facts, "driver_floor", "warning", message, "S8")
    if row is None:
        return NONE
    message = f"CUDA {cuda} needs driver {row.min_driver} or newer on the host"
    if row.toolkit_driver != row.min_driver:
        message += f"; {row.toolkit_driver} is the one that it was paired with"
    return reason(facts, "driver_floor", "warning", message, "S8 S21")


def companions(facts: Facts, around: Circumstances, torch: str, python: str) -> Reasons:
    """Companions that the matrix asks for and that have no wheel for this torch and Python."""
    row = facts.torch.get(torch)
    if row is None:
        return NONE
    minor, reasons = minor_of(python), NONE
    for package in sorted(around.packages.intersection(COMPANIONS)):
        if facts.companion(package, torch, minor):
            continue
        releases: tuple[str, ...] = getattr(row, package)
        what = (
            f"{package} {releases[0]} has no wheel for Python {minor}"
            if releases
            else f"no {package} is known"
        )
        message = f"{what} to go with torch {torch}" if not releases else what
        source = "S20" if package == "torchao" else "pypi uv"
        reasons += reason(facts, f"no_{package}", "warning", message, source)
    return reasons


def standing_traps(facts: Facts, around: Circumstances) -> tuple[Trap, ...]:
    """The warnings of the tables that these circumstances leave open."""
    return tuple(trap for trap in facts.traps if trap.level == "warning" and _stands(trap, around))


def _stands(trap: Trap, around: Circumstances) -> bool:
    asked_for = around.bounded if trap.bounded else around.packages
    return (
        trap.flavor in (None, around.flavor)
        and trap.provider in (None, around.provider)
        and trap.arch in (None, around.arch)
        and (trap.package is None or trap.package in asked_for)
    )


def trap(facts: Facts, trap: Trap, torch: str, python: str, cuda: str) -> Reasons:
    """The warning of one trap, where its conditions hold."""
    minor = minor_of(python).rstrip("t")
    if (trap.torch and not matches(trap.torch, torch)) or (trap.python and not matches(trap.python, minor)):
        return NONE
    if trap.cuda and (cuda == "cpu" or (trap.cuda != "any" and not matches(trap.cuda, cuda))):
        return NONE
    message = f"{trap.symptom}: {trap.cause}" + (f"; what helps: {trap.fix}" if trap.fix else "")
    return reason(facts, trap.id, "warning", message, trap.source)
