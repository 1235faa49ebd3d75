"""What people type → rows of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from builder.errors import InputError
from builder.facts.answers import COMPANIONS, Facts
from builder.names import CELL_ID, cuda_version, variant, version_key

SHOWN = ("torch", "cuda", "os", "python", "gpu", "traps")
Rows = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One row, by its table and name; and by itself, a value of `rows`."""

    table: str
    name: str
    row: Any


def rows(facts: Facts, table: str) -> Rows:
    """The rows of a table by name; `traps` by id."""
    if table == "traps":
        return {trap.id: trap for trap in facts.traps}
    if table == "gpu":
        return {gpu.name: gpu for gpu in facts.gpus}
    found: Rows = getattr(facts, table)
    return found


def find(facts: Facts, text: str) -> tuple[Known, ...]:
    """The rows that `text` means: all of a table, one row, or those of a cell by its id.

    A row is named as in a cell's name (`torch2.8.0`, `cu126`, `py3.11`, `debian12`), or by a bare version
    where only one table has it; a companion (`torchao`) means all rows of torch, which tell its releases.
    Raises `InputError` with what may have been meant.
    """
    if text in COMPANIONS:  # they stand in torch's rows
        return find(facts, "torch")
    if text in SHOWN:
        return tuple(Known(table=text, name=name, row=row) for name, row in rows(facts, text).items())
    cell = CELL_ID.fullmatch(text)
    if cell:
        parts = [f"torch{cell['torch']}", cell["cuda"], f"py{cell['python']}", cell["os"]]
        cuda = cuda_version(cell["cuda"])
        if cuda == "cpu" or (cuda not in facts.cuda and facts.built_for(cuda)):  # newer than CUDA's own table
            parts.remove(cell["cuda"])
        return tuple(row for part in parts for row in find(facts, part))
    found = tuple(
        Known(table=table, name=name, row=rows(facts, table)[name])
        for table, name in dict.fromkeys(_meanings(facts, text))
    )
    never = facts.cuda_never.get(_cuda(text))
    if never:
        raise InputError.of(never, hint=_around(facts, _cuda(text)))
    if not found:
        raise InputError.of(f"the tables have nothing called {text}", hint=_hint(facts, text))
    return found


def _meanings(facts: Facts, text: str) -> Iterator[tuple[str, str]]:
    """The rows that a word can mean; a release before its patch is known means the newest patch."""
    release = facts.torch_release(text.removeprefix("torch").lstrip("=-"))
    if release:
        yield "torch", release
    cuda = _cuda(text)
    if cuda in facts.cuda:
        yield "cuda", cuda
    system = facts.os_name(text)
    if system:
        yield "os", system
    minor = text.removeprefix("python").removeprefix("py").rstrip("t")
    minor = ".".join(minor.split(".")[:2])
    if minor in facts.python:
        yield "python", minor
    gpu = facts.gpu(text)
    if gpu and gpu.name in rows(facts, "gpu"):
        yield "gpu", gpu.name
    if text in rows(facts, "traps"):
        yield "traps", text


def _cuda(text: str) -> str:
    """The version that `cu126`, `cuda12.6` and `12.6` name."""
    return cuda_version(text.removeprefix("cuda") if text.startswith("cuda") else text)


def _around(facts: Facts, cuda: str) -> str:
    """The releases before and after one that there never was."""
    older = [name for name in facts.cuda if version_key(name) < version_key(cuda)]
    newer = [name for name in facts.cuda if version_key(name) > version_key(cuda)]
    return f"there are CUDA {' and '.join((*older[-1:], *newer[:1]))}"


def words(facts: Facts) -> tuple[str, ...]:
    """What may be typed, each row once."""
    versions = [f"torch{name}" for name in facts.torch] + [f"py{name}" for name in facts.python]
    versions += [variant(name) for name in facts.cuda]
    return (*SHOWN, *COMPANIONS, *facts.os, *versions, *rows(facts, "traps"), *rows(facts, "gpu"))


def _hint(facts: Facts, text: str) -> str:
    near = get_close_matches(text.lower(), (*words(facts), *facts.torch, *facts.cuda), n=1)
    names = "a table (torch, cuda, os, python, gpu, traps) or a row: torch2.8.0, cu126, debian12, py3.11"
    return f"did you mean {near[0]}?" if near else f"name {names}"
