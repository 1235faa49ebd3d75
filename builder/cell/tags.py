"""Tags of cells: templates filled in, and what only shows then: no valid tag, or the same tag twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from builder.cell.values import Cell
from builder.errors import Problem
from builder.matrix import Matrix, Value
from builder.names import TAG, variant

DEFAULT = "{os}-py{python}-{cuda}-torch{torch}"
PLACEHOLDERS = ("os", "python", "cuda", "torch", "variant")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Writer = Callable[[str, str, str, str], tuple[str, ...]]


def writer(matrix: Matrix, problems: list[Problem]) -> Writer:
    """What makes the full references of a cell from its os, python, cuda and torch.

    `{cuda}` and `{variant}` are `cpu` or `cu126`. Unknown placeholders are added to `problems`.
    """
    templates = tuple(value.text for value in matrix.tags) or (DEFAULT,)
    for value in matrix.tags:
        names = _PLACEHOLDER.findall(value.text)
        problems += [_unknown(name, value) for name in names if name not in PLACEHOLDERS]

    def write(os: str, python: str, cuda: str, torch: str) -> tuple[str, ...]:
        return tuple(f"{matrix.image}:{filled(one, os, python, cuda, torch)}" for one in templates)

    return write


def filled(template: str, os: str, python: str, cuda: str, torch: str) -> str:
    """A tag with a cell's values in the place of `{os}` and the like."""
    name = variant(cuda)
    values = {"os": os, "python": python, "cuda": name, "torch": torch, "variant": name}
    return _PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), template)


def _unknown(name: str, value: Value) -> Problem:
    close = get_close_matches(name[:60].lower(), PLACEHOLDERS, n=1)
    every = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
    hint = f"did you mean {{{close[0]}}}?" if close else f"there are {every}"
    return Problem(
        message=f"unknown placeholder {{{name}}} in the tag '{value.text}'", hint=hint, place=value.place
    )


def mistakes(cells: tuple[Cell, ...], matrix: Matrix) -> list[Problem]:
    """Per template, the first tag that no registry takes, and the first that two selected cells share; then
    the first that is both one cell's and, without its architecture, that of another on all platforms.
    """
    problems: list[Problem] = []
    seen: dict[str, tuple[Cell, int]] = {}
    for number, template in enumerate(matrix.tags or (None,)):
        tagged = [(cell, _tag(cell, number, matrix)) for cell in cells if cell.selected]
        wrong = next(((cell, tag) for cell, tag in tagged if not TAG.fullmatch(tag)), None)
        if wrong is not None:
            problems.append(_invalid(*wrong, template))
        shared = next((pair for cell, tag in tagged if (pair := _earlier(seen, cell, tag, number))), None)
        if shared is not None:
            problems.append(_shared(*shared, template))
    ambiguous = ((cell, ref.rpartition(":")[2]) for cell in cells if cell.selected for ref in cell.shared)
    problems += [_ambiguous(cell, seen[tag][0], tag) for cell, tag in ambiguous if tag in seen][:1]
    return problems


def _ambiguous(one: Cell, other: Cell, tag: str) -> Problem:
    return Problem(
        message=f"'{tag}' would be the tag of {other.id}, and of {one.id} on all platforms",
        hint="a template must not end in -amd64 or -arm64: the tags of each platform's cells do",
        place=one.place,
        cell=one.id,
    )


def _tag(cell: Cell, number: int, matrix: Matrix) -> str:
    return cell.tags[number].removeprefix(f"{matrix.image}:")


def _earlier(
    seen: dict[str, tuple[Cell, int]], cell: Cell, tag: str, number: int
) -> tuple[Cell, Cell, str] | None:
    """The cell that had this tag before, if any, and this one."""
    other, template = seen.setdefault(tag, (cell, number))
    return None if (other is cell and template == number) else (other, cell, tag)


def _invalid(cell: Cell, tag: str, template: Value | None) -> Problem:
    return Problem(
        message=f"'{tag}' is not a tag that a registry takes",
        hint="a tag has up to 128 letters, digits, '_', '.' and '-', the first a letter, a digit or '_'",
        place=template.place if template else None,
        cell=cell.id,
    )


def _shared(one: Cell, other: Cell, tag: str, template: Value | None) -> Problem:
    if one is other:
        message, hint = f"two templates make the same tag '{tag}'", "remove one of them"
    else:
        axes = [
            axis for axis in ("os", "python", "cuda", "torch") if getattr(one, axis) != getattr(other, axis)
        ]
        message = f"{one.id} and {other.id} would both be tagged '{tag}'"
        hint = f"put {' or '.join(f'{{{axis}}}' for axis in axes)} into the tag"
    return Problem(message=message, hint=hint, place=template.place if template else None, cell=other.id)
