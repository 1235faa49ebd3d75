"""Why a cell is as it is, or what a rule means: for the eye and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builder.cell import Cell, Ground, Reason, Rule
from builder.facts import Trap
from builder.records import plain
from builder.report.look import PLAIN, Colour, Look, paint, wrap

SCHEMA = "envbuild.explained/1"
COLOURS: dict[str, Colour | None] = {"possible": "green", "impossible": "red", "unknown": "yellow"}
LABEL = 12  # characters, of what a line is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a cell that can be built is made of. `python` is who gives the interpreter."""

    base: str
    python: str
    requirements: tuple[str, ...]
    bounds: tuple[str, ...]  # that the tables' traps make necessary
    index: str  # PyTorch's, for this build
    system: tuple[str, ...]  # packages of the distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A cell with what speaks for it and against it. `matrix` is the file as which it was judged."""

    matrix: str | None
    cell: Cell
    grounds: tuple[Ground, ...]
    made: Made | None


def cell_as_json(one: Explained) -> dict[str, Any]:
    """See docs/explained.schema.json."""
    cell = {**plain(one.cell), "place": str(one.cell.place) if one.cell.place else None}
    return {"schema": SCHEMA, "kind": "cell", **plain(one), "cell": cell}


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """See docs/explained.schema.json."""
    return {"schema": SCHEMA, "kind": "rule", "rule": plain(rule)}


def of_trap(trap: Trap) -> Rule:
    """A trap of the tables as the rule that it is."""
    remedy = trap.fix or (f"envbuild adds {trap.requirement}" if trap.requirement else "")
    meaning = f"{trap.symptom}: {trap.cause}."
    return Rule(name=trap.id, weight=trap.level, meaning=meaning, remedy=remedy, table="traps")


def rule_as_text(rule: Rule, look: Look = PLAIN) -> str:
    """What it means, how it weighs, what to do, and where its facts are."""
    lines = [f"{paint(rule.name, 'bold', look)}: {rule.weight}"]
    lines += wrap(rule.meaning, look, indent=2, hang=0)
    lines += wrap(f"hint: {rule.remedy}", look, indent=2, hang=2) if rule.remedy else []
    name = rule.name if rule.table == "traps" else rule.table
    return "\n".join([*lines, *([f"  facts: envbuild facts show {name}"] if name else [])])


def cell_as_text(one: Explained, look: Look = PLAIN) -> str:
    """The verdict, what speaks against the cell, what for it, what it would be made of."""
    cell = one.cell
    standing = cell.status if cell.status in ("excluded", "dropped") else cell.verdict
    lines = [f"{paint(cell.id, 'bold', look)}: {paint(standing, COLOURS.get(standing), look)}"]
    blocking = [reason for reason in cell.reasons if reason.weight != "warning"]
    for title, reasons in (("against it", blocking), ("to know", _warnings(cell))):
        if reasons:
            lines += ["", paint(title, "bold", look), *(line for r in reasons for line in _reason(r, look))]
    nearest = tuple(dict.fromkeys(name for reason in blocking for name in reason.nearest))
    lines += ["", paint("nearest cells that can be built", "bold", look)] if nearest else []
    lines += [f"  {name}" for name in nearest]
    if one.grounds:
        lines += ["", paint("for it", "bold", look)]
        lines += [line for ground in one.grounds for line in _ground(ground, look)]
    if one.made:
        lines += ["", paint("made of", "bold", look), *_made(one.made, look)]
    return "\n".join([*lines, "", f"the tables' rows: envbuild facts show {cell.id}"])


def _warnings(cell: Cell) -> Sequence[Reason]:
    return [reason for reason in cell.reasons if reason.weight == "warning"]


def _reason(reason: Reason, look: Look) -> Iterator[str]:
    yield from wrap(f"{reason.rule}: {reason.message}", look, indent=2, hang=2)
    if reason.source:
        dated = f", {reason.date}" if reason.date else ""
        yield from _faint(f"({reason.source}{dated})", look, 4)


def _ground(ground: Ground, look: Look) -> Iterator[str]:
    yield from wrap(f"{ground.about:<{LABEL}} {ground.message}", look, indent=2, hang=LABEL + 1)
    yield from _faint(f"({ground.source}, {ground.date})", look, LABEL + 3)


def _made(made: Made, look: Look) -> Iterator[str]:
    lines = (
        ("base", made.base),
        ("Python", made.python),
        ("wheels", ", ".join(made.requirements)),
        ("bounds", ", ".join(made.bounds)),
        ("index", made.index),
        ("system", ", ".join(made.system)),
    )
    for label, text in lines:
        if text:
            yield from wrap(f"{label:<{LABEL}} {text}", look, indent=2, hang=LABEL + 1)


def _faint(text: str, look: Look, indent: int) -> list[str]:
    return [paint(line, "faint", look) for line in wrap(text, look, indent=indent, hang=1)]
