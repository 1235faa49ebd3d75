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

NAMED = 3  # cells in one line


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
    there = {cell.id: cell for cell in lock.cells}
    wanted = {recipe.cell.id: recipe for recipe in recipes}
    missing = [ident for ident in wanted if ident not in there]
    known = [ident for ident in wanted if ident in there]
    other = [ident for ident in known if there[ident].recipe != wanted[ident].digest]
    bare = [ident for ident in known if not any(pin.name == "torch" for pin in there[ident].wheels)]
    extra = [ident for ident in there if not part and ident not in wanted]
    found += _each(missing, "is not in it", "are not in it")
    changed = "the matrix, a table or a template has changed"
    found += _each(other, f"is not what it was: {changed}", f"are not what they were: {changed}")
    found += _each(bare, "is locked without torch", "are locked without torch")
    found += _each(extra, "is in it, and not in the matrix", "are in it, and not in the matrix")
    if not found and lock.matrix != checksum(matrix.path):
        found.append("the matrix has changed since")
    place = path_for(matrix.path)
    hint = making(matrix.path)
    return tuple(Problem(message=f"{place} is stale: {reason}", hint=hint) for reason in found)


def _each(cells: Sequence[str], one: str, many: str) -> list[str]:
    """One line for all cells of which the same is true; nothing where there are none."""
    if len(cells) < 2:
        return [f"{cell} {one}" for cell in cells]
    rest = len(cells) - NAMED
    names = ", ".join(cells[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
    return [f"{names} {many}"]
