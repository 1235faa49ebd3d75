"""A plan for the eye and for scripts: every cell with its verdict, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.cell import Cell, Host, Reason
from builder.matrix import Matrix
from builder.preflight import Found, Input
from builder.records import plain
from builder.report.look import PLAIN, Colour, Look, count, paint, wrap

SCHEMA = "envbuild.plan/1"
FOUND: dict[Found, Colour | None] = {"missing": "red", "unknown": "yellow", "there": "green"}
Told = tuple[str, tuple[Reason, ...]]  # a cell and what is to be told of it
STANDINGS: dict[str, Colour | None] = {
    "build": "green",
    "impossible": "red",
    "unknown": "yellow",
    "dropped": "yellow",
    "excluded": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The cells of a matrix by tables of one date, and an overlay's file. `there`: what a machine adds."""

    matrix: Matrix
    cells: tuple[Cell, ...]
    date: str
    overlay: str | None = None
    machine: Host | None = None
    there: Mapping[str, Sequence[Reason]] = field(default_factory=dict)
    inputs: Mapping[str, Sequence[Input]] = field(
        default_factory=dict
    )  # by cell, where the outside was asked


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as data; see docs/plan.schema.json."""
    cells = [cell_as_json(cell) for cell in plan.cells]
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "matrix": str(plan.matrix.path),
        "facts": plan.date,
        "counts": dict(Counter(standing(cell) for cell in plan.cells)),
        "cells": cells,
    }
    if plan.machine is not None:
        told["machine"] = plain(plan.machine)
        for cell in cells:
            cell["there"] = [plain(reason) for reason in plan.there.get(cell["id"], ())]
    for cell in cells if plan.inputs else ():
        cell["inputs"] = [plain(one) for one in plan.inputs.get(cell["id"], ())]
    return told


def cell_as_json(cell: Cell) -> dict[str, Any]:
    """A cell as data; its place in the matrix is text."""
    return {**plain(cell), "place": str(cell.place) if cell.place else None}


def standing(cell: Cell) -> str:
    """What happens to a cell, in one word: build, excluded, dropped, impossible or unknown."""
    if cell.status in ("excluded", "dropped"):
        return cell.status
    return "build" if cell.selected else cell.verdict


def as_text(plan: Plan, look: Look = PLAIN) -> str:
    """The cells by what happens to them, and those that cannot be by why; warnings; a count at the end.

    What several cells have in common is told once.
    """
    cells, told = plan.cells, []
    for name, colour in STANDINGS.items():
        meant = [(cell.id, _against(cell)) for cell in cells if standing(cell) == name]
        if meant:
            told += [paint(f"{_called(name)}: {count(len(meant), 'cell')}", colour, look)]
            told += [line for group in _alike(meant) for line in _group(group, look)] + [""]
    selected = [cell for cell in cells if cell.selected]
    told += _warnings([(cell.id, cell.reasons) for cell in selected], "warnings", look)
    counts = Counter(standing(cell) for cell in cells)
    words = (
        ", ".join(f"{counts[name]} {_called(name)}" for name in STANDINGS if counts[name]) or "nothing to do"
    )
    if plan.machine is not None:
        stopped, lines = _there(plan, [cell.id for cell in selected], look)
        told += lines
        words += f", {stopped} cannot run there" if stopped else ", all of these run there" * bool(selected)
    told += _inputs(plan, look)
    tables = f"tables of {plan.date}" + (f", with {plan.overlay}" if plan.overlay else "")
    last = f"{plan.matrix.name}: {count(len(cells), 'cell')}: {words} ({tables})"
    return "\n".join([*told, *wrap(last, look)])


def _there(plan: Plan, names: Sequence[str], look: Look) -> tuple[int, list[str]]:
    """How many of these cells cannot run on the machine, and the lines that say why."""
    found = [(name, tuple(plan.there.get(name, ()))) for name in names]
    stopped = [(name, tuple(one for one in why if one.blocks)) for name, why in found]
    stopped = [(name, why) for name, why in stopped if why]
    lines = []
    if stopped:
        title = f"can be built, cannot run there: {count(len(stopped), 'cell')}"
        lines += [paint(title, "red", look)]
        lines += [line for group in _alike(stopped) for line in _group(group, look)] + [""]
    return len(stopped), lines + _warnings(found, f"warnings for {_named(plan.machine)}", look)


def _inputs(plan: Plan, look: Look) -> list[str]:
    """What the outside has, what is missing first, each input once with the cells that need it."""
    about: dict[Input, list[str]] = {}
    for cell, inputs in plan.inputs.items():
        for one in inputs:
            about.setdefault(one, []).append(cell)
    lines = []
    for found, colour in FOUND.items():
        for one, names in about.items():
            if one.found == found:
                whose = names[0] if len(names) == 1 else count(len(names), "cell")
                text = f"{one.what} {one.name}: {one.note} ({whose})"
                first, *rest = wrap(text, look, indent=10, hang=2)
                lines += [paint(f"  {found:<8}", colour, look) + first[10:], *rest]
    return [paint("asked just now", "bold", look), *lines, ""] if lines else []


def _named(machine: Host | None) -> str:
    """The machine in words: `driver 535, RTX 3090`."""
    if machine is None:
        return ""
    driver = [f"driver {machine.driver}"] if machine.driver else []
    return ", ".join([*driver, *(gpu.name for gpu in machine.gpus)])


def _called(name: str) -> str:
    return "to build" if name == "build" else name


def _against(cell: Cell) -> tuple[Reason, ...]:
    """Why a cell is not built."""
    return tuple(reason for reason in cell.reasons if reason.weight != "warning")


def _alike(cells: Sequence[Told]) -> list[list[Told]]:
    """Cells with the same reasons, together."""
    groups: dict[tuple[str, ...], list[Told]] = {}
    for name, reasons in cells:
        groups.setdefault(tuple(reason.message for reason in reasons), []).append((name, reasons))
    return list(groups.values())


def _group(cells: Sequence[Told], look: Look) -> Iterator[str]:
    """The reasons that these cells share, then the cells, each with the nearest possible ones."""
    _, shared = cells[0]
    for reason in shared:
        yield from wrap(reason.message + _where(reason), look, indent=2, hang=2)
        if reason.date:
            origin = f"({reason.rule}: {reason.source}, {reason.date})"
            yield from (paint(line, "faint", look) for line in wrap(origin, look, indent=2, hang=2))
    for name, reasons in cells:
        yield f"{'  ' if shared else ''}  {name}"
        nearest = tuple(dict.fromkeys(near for reason in reasons for near in reason.nearest))
        if nearest:
            yield from wrap(f"nearest: {', '.join(nearest)}", look, indent=6, hang=2)


def _where(reason: Reason) -> str:
    """An exclusion's source is its place in the matrix."""
    return f" ({reason.source})" if reason.weight == "excluded" else ""


def _warnings(cells: Sequence[Told], title: str, look: Look) -> list[str]:
    """Each warning once, with the cell or the number of cells that it is about, unless it is about all."""
    about: dict[str, list[str]] = {}
    for name, reasons in cells:
        for reason in reasons:
            if reason.weight == "warning":
                about.setdefault(reason.message, []).append(name)
    lines = []
    for message, names in about.items():
        whose = names[0] if len(names) == 1 else count(len(names), "cell")
        told = message if len(names) == len(cells) else f"{message} ({whose})"
        lines += wrap(told, look, indent=2, hang=2)
    return [paint(title, "yellow", look), *lines, ""] if lines else []
