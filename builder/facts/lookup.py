"""A name as people type it → the rows that it means."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from builder.facts.answers import Facts
from builder.facts.rows import CudaRow, GpuRow, OsRow, PythonRow, TorchRow, Trap
from builder.names import cuda_version

Row = TorchRow | CudaRow | PythonRow | OsRow | GpuRow | Trap


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row, with its table and its name there."""

    table: str
    name: str
    row: Row


def find(facts: Facts, text: str) -> Entry | None:
    """The row that a name means: `2.8`, `torch 2.8.0`, `cu126`, `12.6`, `python 3.11`, `Ubuntu 22.04`, `RTX
    3090`, or a trap's id. A number alone is a torch, a Python or a CUDA by its size.
    """
    word, _, rest = text.strip().lower().replace("==", " ").partition(" ")
    kind, name = (word, rest.strip()) if word in ("torch", "cuda", "python") and rest else ("", text.strip())
    finders = {"torch": _torch, "python": _python, "cuda": _cuda}
    for table, finder in finders.items():
        if kind in ("", table):
            row = finder(facts, name)
            if row is not None:
                return Entry(table=table, name=row.version, row=row)
    return None if kind else _named(facts, name)


def near(facts: Facts, text: str) -> str | None:
    """The name that was probably meant."""
    names = (*facts.torch, *facts.cuda, *facts.python, *facts.os, *(gpu.name for gpu in facts.gpus))
    return next(iter(get_close_matches(text[:60], (*names, *(trap.id for trap in facts.traps)), n=1)), None)


def _torch(facts: Facts, name: str) -> TorchRow | None:
    release = facts.torch_release(name)
    return facts.torch[release] if release and "." in name else None


def _python(facts: Facts, name: str) -> PythonRow | None:
    return facts.python.get(name)


def _cuda(facts: Facts, name: str) -> CudaRow | None:
    return facts.cuda.get(cuda_version(name.lower())) if name else None


def _named(facts: Facts, name: str) -> Entry | None:
    os, gpu = facts.os_name(name), facts.gpu(name)
    if os:
        return Entry(table="os", name=os, row=facts.os[os])
    if gpu:
        return Entry(table="gpu", name=gpu.name, row=gpu)
    trap = next((trap for trap in facts.traps if trap.id == name), None)
    return Entry(table="traps", name=trap.id, row=trap) if trap else None
