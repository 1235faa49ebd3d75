"""What a machine is, what was found, and what suits it: for the eye and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from builder.advice import Advice
from builder.facts import Facts
from builder.machine import Finding, Machine, Severity
from builder.machine import as_json as described
from builder.machine.document import SCHEMA
from builder.records import plain
from builder.report.look import PLAIN, Colour, Look, paint, shown, wrap

COLOURS: dict[Severity, Colour | None] = {"ok": "green", "note": None, "warning": "yellow", "problem": "red"}
NOBODY = "no build of torch in the tables suits this machine"


def as_json(
    machine: Machine, found: Sequence[Finding], advice: Advice | None, facts: Facts
) -> dict[str, Any]:
    """All of it as data; see docs/doctor.schema.json. --simulate takes it back."""
    told = {**plain(advice), "cell": advice.cell, "why": dict(advice.why)} if advice else None
    return {
        "schema": SCHEMA,
        "facts": facts.date,
        "machine": described(machine),
        "findings": [plain(finding) for finding in found],
        "advice": told,
    }


def as_text(machine: Machine, found: Sequence[Finding], advice: Advice | None, look: Look = PLAIN) -> str:
    """What it is in one line, a finding each, then the advice with its reasons."""
    lines = [name_of(machine), ""]
    for finding in found:
        lines += _finding(finding, look)
    return "\n".join([*lines, "", *_advice(advice, look)])


def name_of(machine: Machine) -> str:
    """The machine in one line."""
    cpus = f"{machine.cpu.count} CPUs" if machine.cpu.count else ""
    gpus = ", ".join(gpu.name for gpu in machine.gpus)
    parts = (
        machine.os,
        machine.arch,
        machine.cpu.model,
        cpus,
        gpus,
        machine.driver and f"driver {machine.driver}",
    )
    return shown(", ".join(part for part in parts if part))


def _finding(finding: Finding, look: Look) -> Iterator[str]:
    first, *rest = wrap(finding.message, look, indent=9, hang=0)
    yield paint(f"{finding.severity:<9}", COLOURS[finding.severity], look) + first[9:]
    yield from rest
    if finding.remedy:
        yield from wrap(f"hint: {finding.remedy}", look, indent=11, hang=2)
    if finding.source:
        yield from (
            paint(line, "faint", look) for line in wrap(f"({finding.source})", look, indent=11, hang=2)
        )


def _advice(advice: Advice | None, look: Look) -> Iterator[str]:
    if advice is None:
        yield paint("advice: none", "red", look)
        yield from wrap(NOBODY, look, indent=2, hang=2)
        return
    yield paint(f"advice: {advice.cell}", "green", look)
    values = {"os": advice.os, "python": advice.python, "cuda": advice.cuda, "torch": advice.torch}
    values["driver"] = advice.driver
    for axis, why in advice.why:
        yield from wrap(f"{axis} {values[axis]}: {why}", look, indent=2, hang=2)
        if axis == "driver":
            wanted = f"{advice.driver} or newer" if "." in advice.driver else f"of branch {advice.driver}"
            yield from wrap(f"hint: install NVIDIA's driver {wanted}", look, indent=4, hang=2)
    for warning in advice.warnings:
        yield from wrap(warning, look, indent=2, hang=2)
    yield "  `envbuild init` writes a matrix of it"
