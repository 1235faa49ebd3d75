"""Which OS, Python, CUDA and PyTorch fit together: tables (YAML beside this file, with sources), and readers.

Nothing here judges; rows answer questions about themselves, `cell` makes verdicts of the answers.
"""

from __future__ import annotations

from builder.facts.answers import Facts
from builder.facts.rows import (
    Architectures,
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

__all__ = [
    "Architectures",
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
]
