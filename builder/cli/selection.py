"""What every command on a matrix begins with: read it, judge its cells, refuse what cannot be, choose by
`--only`.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder import matrix, recipe
from builder.cell import Cell, Shard, expand, knowing, parts, refusals
from builder.cli import tables
from builder.errors import InputError, NothingSelectedError, Problem
from builder.facts import Facts
from builder.matrix import Matrix
from builder.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A matrix with its cells; `cells` are all of them, `chosen` those to work on."""

    matrix: Matrix
    facts: Facts
    cells: tuple[Cell, ...]
    chosen: tuple[Cell, ...]

    def recipes(self, templates: Path | None = None) -> tuple[Recipe, ...]:
        """The recipes of the chosen cells."""
        return tuple(recipe.write(cell, self.matrix, self.facts, templates) for cell in self.chosen)


def read(path: Path, only: Sequence[str] = (), shard: Shard | None = None) -> Selection:
    """The matrix and its cells, chosen but not yet refused: what `plan` shows. Raises `InputError`."""
    wanted = matrix.load(path)
    known = knowing(wanted, tables.load())
    cells = expand(wanted, known)
    _known_patterns(only, cells)
    chosen = tuple(cell for cell in cells if cell.selected and meant(cell, only))
    if shard is not None:
        chosen = parts(chosen, shard.of)[shard.number - 1]
    return Selection(matrix=wanted, facts=known, cells=cells, chosen=chosen)


def select(path: Path, only: Sequence[str] = (), shard: Shard | None = None) -> Selection:
    """The cells to work on. Raises `InputError` for cells that cannot be, `NothingSelectedError` when none
    is left; a shard may be empty.
    """
    selection = read(path, only, shard)
    refused = refusals(tuple(cell for cell in selection.cells if meant(cell, only)), selection.matrix)
    if refused:
        raise InputError(refused)
    if not selection.chosen and shard is None:
        raise NothingSelectedError((_nothing_left(selection, only),))
    return selection


def meant(cell: Cell, only: Sequence[str]) -> bool:
    """Whether a cell is chosen by any of the patterns; no pattern chooses all."""
    return not only or any(fnmatch.fnmatchcase(cell.id, pattern) for pattern in only)


def _nothing_left(selection: Selection, only: Sequence[str]) -> Problem:
    """Why no cell is chosen: all that are meant are excluded or dropped."""
    counts = Counter(cell.status for cell in selection.cells if meant(cell, only))
    whose = f"the cells of {selection.matrix.path}" + (" that --only names" if only else "")
    why = ", ".join(f"{number} {status}" for status, number in counts.items())
    hint = f"`envbuild plan {selection.matrix.path}` shows why"
    return Problem(message=f"nothing to do: none of {whose} is to be built ({why})", hint=hint)


def _known_patterns(only: Sequence[str], cells: Sequence[Cell]) -> None:
    """A pattern that matches no cell at all is a typing mistake."""
    ids = [cell.id for cell in cells]
    lost = [pattern for pattern in only if not fnmatch.filter(ids, pattern)]
    if lost:
        raise NothingSelectedError(_matches_nothing(pattern, ids) for pattern in lost)


def _matches_nothing(pattern: str, ids: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(pattern, ids, n=1, cutoff=0.8)
    hint = f"did you mean {near[0]}?" if near else f"cells are called like {ids[0]}; * stands for anything"
    return Problem(message=f"--only {pattern} matches no cell", hint=hint)
