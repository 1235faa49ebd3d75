"""A computer as far as envbuild cares: read from this one or from a file, and looked over.

Nothing here chooses cells; `advice` does.
"""

from __future__ import annotations

from builder.machine.checks import Finding, Severity, findings
from builder.machine.document import load
from builder.machine.values import Cpu, EngineSeen, Gpu, Machine, Service, as_json

__all__ = [
    "Cpu",
    "EngineSeen",
    "Finding",
    "Gpu",
    "Machine",
    "Service",
    "Severity",
    "as_json",
    "findings",
    "load",
]
