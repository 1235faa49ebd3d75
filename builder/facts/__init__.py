"""Which OS, Python, CUDA and PyTorch fit together: tables (YAML beside this file, with sources), and readers.

Nothing here judges; rows answer questions about themselves, `cell` makes verdicts of the answers.
"""

from __future__ import annotations

from pathlib import Path

from builder.facts.answers import Facts
from builder.facts.rows import (
    Architectures,
    CapabilityRow,
    Constraint,
    CudaRow,
    Gap,
    GpuRow,
    OsRow,
    ProviderRow,
    PythonRow,
    SourceRow,
    Table,
    TorchRow,
    Trap,
)
from builder.facts.tables import load


def load_with(path: Path) -> Facts:
    """The tables with the overlay in `path`; see `overlay`. Raises `InputError` for one that is wrong."""
    from builder.facts import overlay  # noqa: PLC0415  most machines have none

    return overlay.load(path)


__all__ = [
    "Architectures",
    "CapabilityRow",
    "Constraint",
    "CudaRow",
    "Facts",
    "Gap",
    "GpuRow",
    "OsRow",
    "ProviderRow",
    "PythonRow",
    "SourceRow",
    "Table",
    "TorchRow",
    "Trap",
    "load",
    "load_with",
]
