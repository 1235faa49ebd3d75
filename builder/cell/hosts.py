"""Cells and the machine that is to run them: what can be built, and yet cannot run there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from builder.cell.circumstances import circumstances
from builder.cell.judge import Judge
from builder.cell.nearest import Atlas
from builder.cell.rules import Reasons
from builder.cell.values import Cell
from builder.errors import InputError
from builder.facts import Facts
from builder.matrix import Matrix
from builder.names import version_key

DRIVER = re.compile(r"\d{3,4}(?:\.\d{1,4}){0,2}")
CAPABILITY = re.compile(r"(?:sm_?)?(\d{1,2})\.?(\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGpu:
    """A GPU by the name that it was given, and its compute capability (`8.6`)."""

    name: str
    capability: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a machine has: its NVIDIA driver (`535`, `535.54.03`; empty: not told) and its GPUs."""

    driver: str = ""
    gpus: tuple[HostGpu, ...] = ()


def host(driver: str | None, gpus: Sequence[str], facts: Facts) -> Host:
    """A machine by what people type. Raises `InputError` for what is no driver, or no known GPU."""
    if driver and not DRIVER.fullmatch(driver):
        raise InputError.of(
            f"'{driver}' is no NVIDIA driver", hint="write 535, or 535.54.03 as nvidia-smi does"
        )
    return Host(driver=driver or "", gpus=tuple(_gpu(name, facts) for name in gpus))


def _gpu(name: str, facts: Facts) -> HostGpu:
    row = facts.gpu(name)
    if row is not None:
        return HostGpu(name=row.name, capability=row.capability)
    number = CAPABILITY.fullmatch(name.strip().lower())
    if number:
        return _of_capability(name, f"{number[1]}.{number[2]}", facts)
    close = _like(name, [row.name for row in facts.gpus])
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    hint += "--gpu takes a compute capability (8.6) as well"
    raise InputError.of(f"the GPU '{name}' is not in the tables", hint=hint)


def _like(name: str, known: Sequence[str]) -> Sequence[str]:
    """All that have the words of it (there are several RTX 6000), or the one that is spelled most like it."""
    words = set(name.lower().split()) - {"nvidia", "geforce"}
    having = [one for one in known if words and words <= set(one.lower().split())]
    return having or get_close_matches(name, known, n=1)


def _of_capability(name: str, capability: str, facts: Facts) -> HostGpu:
    if not facts.is_capability(capability):
        oldest, *_, newest = sorted(facts.capabilities, key=version_key)
        hint = f"they know {oldest} to {newest}; write 8.6 for RTX 30, 12.0 for RTX 50"
        raise InputError.of(f"'{name}' is no compute capability of the tables", hint=hint)
    return HostGpu(name=f"compute capability {capability}", capability=capability)


def there(cells: Sequence[Cell], matrix: Matrix, facts: Facts, machine: Host) -> Mapping[str, Reasons]:
    """By cell, what that machine adds to the reasons: impossible is what cannot run there, each with the
    nearest cells that can; warnings are what to know. Only of cells that can be built.
    """
    benches: dict[object, tuple[Judge, Judge, Atlas]] = {}
    found = {}
    for cell in cells:
        if cell.selected:
            key = (cell.provider, cell.platform)
            if key not in benches:
                benches[key] = _bench(cell, matrix, facts, machine)
            found[cell.id] = _more(cell, *benches[key])
    return found


def _bench(cell: Cell, matrix: Matrix, facts: Facts, machine: Host) -> tuple[Judge, Judge, Atlas]:
    around = circumstances(matrix, cell.provider, cell.platform)
    capabilities = tuple(dict.fromkeys(gpu.capability for gpu in machine.gpus))
    on_it = Judge(facts, replace(around, driver=machine.driver, gpus=capabilities))
    suffix = cell.platform.removeprefix("linux/") if len(matrix.platforms) > 1 else ""
    return Judge(facts, replace(around, gpus=())), on_it, Atlas(on_it, suffix)


def _more(cell: Cell, anywhere: Judge, on_it: Judge, atlas: Atlas) -> Reasons:
    point = (cell.os, cell.python, cell.cuda, cell.torch)
    known = anywhere.reasons(*point)
    more = tuple(reason for reason in on_it.reasons(*point) if reason not in known)
    if not any(reason.blocks for reason in more):
        return more
    nearest = atlas.nearest(*point)
    return tuple(replace(reason, nearest=nearest) if reason.blocks else reason for reason in more)
