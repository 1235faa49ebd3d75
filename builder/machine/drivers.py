"""Which drivers serve a machine's GPUs: from when on, and until which branch."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version

from builder.facts import CapabilityRow, Facts
from builder.machine.values import Gpu, Machine

# Jetson modules before Thor: the ARM wheels with CUDA are for servers.
JETSON = frozenset({"5.3", "6.2", "7.2", "8.7"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers:
    """The drivers that serve all GPUs of some capabilities; `rows` are what the tables know of those.

    `first` is the oldest such driver, `last` the newest branch; empty where none is known.
    """

    rows: tuple[CapabilityRow, ...]
    first: str
    last: str

    @property
    def none(self) -> bool:
        """Whether the last branch for one kind is older than the first driver for another."""
        return bool(self.first and self.last) and int(self.last) < int(self.first.partition(".")[0])

    def serve(self, driver: str) -> bool:
        """Whether nothing is known against a driver."""
        return not any(row.refusal(driver) for row in self.rows)

    @property
    def advised(self) -> str:
        """What to install, in words; only the bounds that there are."""
        kinds = f"GPUs of compute capability {' and '.join(row.capability for row in self.rows)}"
        if self.last:
            return f"NVIDIA's driver of branch {self.last}, the last that serves {kinds}"
        return f"NVIDIA's driver {self.first} or newer, which knows {kinds}"


def capability_of(gpu: Gpu, facts: Facts) -> str:
    """What the machine tells of it, or the tables; empty where neither knows."""
    row = facts.gpu(gpu.name)
    return gpu.capability or (row.capability if row else "")


def kinds(machine: Machine, facts: Facts) -> tuple[str, ...]:
    """The compute capabilities of its GPUs that are known, each once."""
    found = (capability_of(gpu, facts) for gpu in machine.gpus)
    return tuple(dict.fromkeys(capability for capability in found if capability))


def drivers(capabilities: tuple[str, ...], facts: Facts) -> Drivers:
    """The drivers for all of these."""
    rows = tuple(facts.capabilities[one] for one in capabilities if one in facts.capabilities)
    first = max((row.first_driver for row in rows if row.first_driver), key=Version, default="")
    last = min((row.last_branch for row in rows if row.last_branch), key=int, default="")
    return Drivers(rows=rows, first=first, last=last)
