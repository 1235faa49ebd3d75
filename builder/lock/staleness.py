"""What a lock says, held against what the matrix says today."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builder import yamldoc
from builder.errors import Problem
from builder.lock.reading import making, path_for
from builder.lock.values import CANONICAL, Lock, digest_of
from builder.matrix import Matrix
from builder.recipe import Recipe

NAMED = 3  # cells in one line


def checksum(path: Path) -> str:
    """`sha256:…` of what the matrix in that file says; comments, quotes and layout do not count."""
    return digest_of(yamldoc.read_table(path))


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
    extra = [ident for ident in there if not part and ident not in wanted]
    found += _each(missing, "is not in it", "are not in it")
    edited = lock.matrix != checksum(matrix.path)
    changed = "the matrix has changed" if edited else "a table or a template has changed, not the matrix"
    found += _each(other, f"is not what it was: {changed}", f"are not what they were: {changed}")
    found += _each(extra, "is in it, and not in the matrix", "are in it, and not in the matrix")
    if not found and edited:
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
