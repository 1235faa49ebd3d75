"""Problems in the form that every envbuild message has: place, what is wrong, cell, hint."""

from __future__ import annotations

from collections.abc import Iterable

from builder.errors import Problem


def lines(problem: Problem, *, word: str = "error") -> tuple[str, ...]:
    """One problem: `file:line:col: error: message`, further lines of the message indented, then cell and
    hint.
    """
    first, *rest = problem.message.splitlines() or [""]
    head = f"{problem.place}: {word}: {first}" if problem.place else f"{word}: {first}"
    told = [head, *(f"    {line}" for line in rest)]
    if problem.cell and problem.cell not in first:
        told.append(f"    cell: {problem.cell}")
    if problem.hint:
        told.append(f"    hint: {problem.hint}")
    return tuple(told)


def text(problems: Iterable[Problem]) -> str:
    """All problems, those with a place sorted by it, each on its own lines."""
    ordered = sorted(problems, key=lambda p: (p.place is None, p.place.file if p.place else "", _spot(p)))
    return "\n".join(line for problem in ordered for line in lines(problem))


def _spot(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)
