"""Problems in the form that every envbuild message has: place, what is wrong, cell, hint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from builder.errors import Problem
from builder.report.look import PLAIN, Look, count, cut, paint, wrap

MOST_CELLS = 4  # named with one problem that many cells have
FAILED_AT = "the build failed at "
# BuildKit puts the whole command between the step's name and the reason: before its version 0.10, and since.
AGAIN = re.compile(r": (?:executor failed running \[.*\]|process \".*\" did not complete successfully): ")


def lines(problem: Problem, look: Look = PLAIN, *, cells: Sequence[str] = ()) -> list[str]:
    """One problem: `file:line:col: error: message`, further lines of it indented, then cells and hint.

    `cells` are those that have it, when they are not just the problem's own.
    """
    first, *rest = problem.message.splitlines() or [""]
    place = f"{problem.place}: " if problem.place else ""
    word, *more = wrap(f"{place}error: {brief(first)}", look)
    told = [word.replace("error:", paint("error:", "red", look), 1), *more]
    told += [line for text in rest for line in wrap(text, Look(colour=look.colour), indent=4)]
    own = [problem.cell] if problem.cell and problem.cell not in first else []
    named = list(cells) or own
    if named:
        told += wrap(f"{'cell' if len(named) == 1 else 'cells'}: {_some(named)}", look, indent=4)
    if problem.hint:
        told += wrap(f"hint: {problem.hint}", look, indent=4)
    return told


def _some(cells: Sequence[str]) -> str:
    rest = len(cells) - MOST_CELLS
    return ", ".join(cells[:MOST_CELLS]) + (f" and {rest} more" if rest > 0 else "")


def text(problems: Iterable[Problem], look: Look = PLAIN) -> str:
    """All problems in the order of their places; one that several cells have is told once."""
    return "\n".join(
        line
        for group in _groups(problems)
        for line in lines(
            group[0], look, cells=[one.cell for one in group if one.cell] if len(group) > 1 else ()
        )
    )


def one_line_each(problems: Iterable[Problem], hint: str) -> tuple[Problem, ...]:
    """The same problems where the details stand above already: the message alone, and one hint for all."""
    groups = _groups(problems)
    short = [replace(group[0], message=_for_cells(group), cell=None, hint=None) for group in groups]
    return (*short[:-1], replace(short[-1], hint=hint)) if short else ()


def _for_cells(group: Sequence[Problem]) -> str:
    named = [problem.cell for problem in group if problem.cell]
    whose = named[0] if len(named) == 1 else count(len(named), "cell")
    return f"{group[0].message} ({whose})" if named else group[0].message


def _groups(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Problems of cells by place and message, the others alone; sorted by place, those without one last."""
    groups: dict[object, list[Problem]] = {}
    for number, problem in enumerate(problems):
        key = (problem.place, problem.message) if problem.cell else number
        groups.setdefault(key, []).append(problem)
    return sorted(groups.values(), key=lambda group: _spot(group[0]))


def _spot(problem: Problem) -> tuple[bool, str, int, int]:
    place = problem.place
    return (False, place.file, place.line, place.column) if place else (True, "", 0, 0)


def without_cell(problem: Problem) -> Problem:
    """For a place that names the cell already."""
    return replace(problem, cell=None)


def brief(message: str) -> str:
    """A failed build's first line without its step's whole command, which stands in the log."""
    if not message.startswith(FAILED_AT):
        return message
    name, reason = [*AGAIN.split(message.removeprefix(FAILED_AT), maxsplit=1), ""][:2]
    return f"{FAILED_AT}{step(name, 90)}: {reason}" if reason else FAILED_AT + step(name, 200)


def step(name: str, width: int = 100) -> str:
    """A Dockerfile step for one line: without its mounts, spaces closed up, cut to `width` characters."""
    return cut(" ".join(word for word in name.split() if not word.startswith("--mount=")), width)
