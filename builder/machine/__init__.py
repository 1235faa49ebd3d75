"""A computer as far as envbuild cares: read from this one or from a file, and looked over.

Nothing here chooses cells; `advice` does.
"""

from __future__ import annotations

from builder.machine.checks import findings
from builder.machine.document import load
from builder.machine.drivers import JETSON, Drivers, drivers, kinds
from builder.machine.engines import breaking
from builder.machine.finding import Finding, Severity
from builder.machine.values import Cpu, EngineSeen, Gpu, Machine, Service, as_json

__all__ = [
    "JETSON",
    "Cpu",
    "Drivers",
    "EngineSeen",
    "Finding",
    "Gpu",
    "Machine",
    "Service",
    "Severity",
    "as_json",
    "breaking",
    "drivers",
    "findings",
    "kinds",
    "load",
]
