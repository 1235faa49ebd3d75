"""What a lock says, held against what the matrix says today."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from builder import yamldoc
from builder.errors import Problem
from builder.lock.reading import making, path_for
from builder.lock.values import CANONICAL, Lock
from builder.matrix import Matrix
from builder.recipe import Recipe


def checksum(path: Path) -> str:
    """`sha256:…` of what the matrix in that file says; comments, quotes and layout do not count."""
    said = json.dumps(yamldoc.read_table(path), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def missing(matrix: Path) -> Problem:
    """There is no lock where one is needed."""
    return Problem(message=f"{path_for(matrix)} is missing", hint=f"`envbuild lock {matrix}` makes it")


def stale(
    lock: Lock, matrix: Matrix, recipes: Sequence[Recipe], *, part: bool = False
) -> tuple[Problem, ...]:
    """Why the lock is not that of this matrix; nothing where it is.

    `recipes` are those of every cell that the matrix selects, or (`part`) of those that a run is about.
    """
    found = []
    if lock.canonical != CANONICAL:
        found.append(
            f"it is for version {lock.canonical} of envbuild's canonical form, and this is {CANONICAL}"
        )
    if lock.matrix != checksum(matrix.path):
        found.append("the matrix has changed since")
    for recipe in recipes:
        locked = lock.cell(recipe.cell.id)
        if locked is None:
            found.append(f"{recipe.cell.id} is not in it")
        elif locked.recipe != recipe.digest:
            found.append(f"the recipe of {locked.id} has changed: the matrix, a table or a template did")
        elif not any(pin.name == "torch" for pin in locked.wheels):
            found.append(f"{locked.id} is locked without torch")
    wanted = {recipe.cell.id for recipe in recipes}
    found += [
        f"{cell.id} is in it, and not in the matrix"
        for cell in lock.cells
        if not part and cell.id not in wanted
    ]
    place = path_for(matrix.path)
    hint = making(matrix.path)
    return tuple(Problem(message=f"{place} is stale: {reason}", hint=hint) for reason in found)
