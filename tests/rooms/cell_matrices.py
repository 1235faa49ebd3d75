"""Matrices for the tests of cells: made directly, each value at a place of its own."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from builder.cell import Cell, Reason, expand
from builder.errors import InputError, Place
from builder.facts import load
from builder.matrix import Alias, Exclusion, Inclusion, Matrix, Value

AXES = ("os", "python", "cuda", "torch")


def matrix(os: str, python: str, cuda: str, torch: str, **rest: Any) -> Matrix:
    """A matrix of axes written as words; `exclude`, `include` and `aliases` are dicts. One value
    a line.
    """
    lines = count(1)

    def value(text: str) -> Value:
        return Value(text=text, place=_at(next(lines)))

    texts = zip(AXES, (os, python, cuda, torch), strict=True)
    axes = {axis: tuple(map(value, text.split())) for axis, text in texts}
    exclude = tuple(Exclusion(**rule, place=_at(next(lines))) for rule in rest.pop("exclude", ()))
    include = tuple(_inclusion(wish, next(lines)) for wish in rest.pop("include", ()))
    aliases = tuple(Alias(**alias, place=_at(next(lines))) for alias in rest.pop("aliases", ()))
    tags = tuple(value(text) for text in rest.pop("tags", ()))
    platforms = tuple(rest.pop("platform", "linux/amd64").split())
    path = Path("m.yaml")
    return Matrix(
        path=path,
        name="m",
        image="example.com/t",
        tags=tags,
        exclude=exclude,
        aliases=aliases,
        include=include,
        platforms=platforms,
        **axes,
        **rest,
    )


def _at(line: int) -> Place:
    return Place(file="m.yaml", line=line, column=1)


def _inclusion(wish: dict[str, Any], line: int) -> Inclusion:
    axes = {axis: Value(text=wish.pop(axis), place=_at(line)) for axis in AXES}
    return Inclusion(**axes, **wish, place=_at(line))


def cells(os: str, python: str, cuda: str, torch: str, **rest: Any) -> tuple[Cell, ...]:
    return expand(matrix(os, python, cuda, torch, **rest), load())


def cell(os: str, python: str, cuda: str, torch: str, **rest: Any) -> Cell:
    (only,) = cells(os, python, cuda, torch, **rest)
    return only


def rules(judged: Cell, weight: str) -> list[str]:
    return [reason.rule for reason in judged.reasons if reason.weight == weight]


def reason(judged: Cell, rule: str) -> Reason:
    (only,) = (reason for reason in judged.reasons if reason.rule == rule)
    return only


def problems(os: str, python: str, cuda: str, torch: str, **rest: Any) -> list[tuple[int, str]]:
    """Line and message of every problem; empty when the matrix expands."""
    try:
        cells(os, python, cuda, torch, **rest)
    except InputError as error:
        return [(problem.place.line if problem.place else 0, problem.message) for problem in error.problems]
    return []
