"""The product of the axes, what is included besides, and what of it cannot be built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from builder.cell import aliases, exclusions, tags
from builder.cell import axes as axes_
from builder.cell.axes import Axes
from builder.cell.circumstances import circumstances
from builder.cell.judge import Judge, verdict
from builder.cell.nearest import Atlas
from builder.cell.rules import Reasons
from builder.cell.values import Cell, Status
from builder.errors import InputError, Place, Problem
from builder.facts import Facts
from builder.matrix import Inclusion, Matrix, Platform, Provider
from builder.names import cell_id, cuda_version, suffixed

MAX_CELLS = 20_000

Point = tuple[str, str, str, str]  # os, python, cuda, torch


def expand(matrix: Matrix, facts: Facts) -> tuple[Cell, ...]:
    """All cells: the product in the order os, python, cuda, torch of the file, then what is included. Each
    combination has a cell for each platform.

    Raises `InputError` with every mistake of the matrix that needs the tables or the cells to be seen.
    """
    problems: list[Problem] = []
    axes = axes_.read(matrix, facts, problems)
    if _size(axes, matrix) > MAX_CELLS:
        raise InputError((*problems, _too_many(axes, matrix)))
    rules = exclusions.work_out(matrix.exclude, axes, facts, problems)
    included = _inclusions(matrix, axes, facts, problems)
    maker = _Maker(matrix, facts, rules, tags.writer(matrix, problems))
    cells = (*maker.product(axes), *maker.included(included))
    problems += [*tags.mistakes(cells, matrix), *aliases.mistakes(cells, matrix, facts)]
    if problems:
        raise InputError(sorted(problems, key=_where))
    return cells


def refusals(cells: tuple[Cell, ...], matrix: Matrix) -> tuple[Problem, ...]:
    """With `impossible: error`, one problem per cell that is asked for and impossible or unknown."""
    if matrix.impossible == "drop":
        return ()
    asked_for = (cell for cell in cells if cell.status in ("kept", "included"))
    return tuple(_refusal(cell) for cell in asked_for if cell.verdict != "possible")


def _refusal(cell: Cell) -> Problem:
    blocking = [reason for reason in cell.reasons if reason.blocks]
    near = blocking[0].nearest
    hint = f"possible: {', '.join(near)}" if near else "nothing near it is possible"
    return Problem(
        message="; also: ".join(reason.message for reason in blocking),
        hint=f"{hint}; or leave the cell out, by `exclude` or by `impossible: drop`",
        place=cell.place,
        cell=cell.id,
    )


def _size(axes: Axes, matrix: Matrix) -> int:
    return (axes.size + len(matrix.include)) * len(matrix.platforms)


def _too_many(axes: Axes, matrix: Matrix) -> Problem:
    return Problem(
        message=f"this matrix has {_size(axes, matrix):,} cells, and {MAX_CELLS:,} are the most",
        hint="take values away, or make several matrices",
        place=matrix.os[0].place if matrix.os else None,
    )


def _where(problem: Problem) -> tuple[bool, Place | None]:
    return (problem.place is None, problem.place)


def _inclusions(
    matrix: Matrix, axes: Axes, facts: Facts, problems: list[Problem]
) -> tuple[tuple[Point, Inclusion], ...]:
    """What to include, in the tables' names; an unknown OS or a cell that is there already is a problem."""
    seen: dict[Point, Place] = {}
    kept = []
    for wish in matrix.include:
        if facts.os_name(wish.os.text) is None:
            problems.append(axes_.unknown_os(wish.os, facts))
            continue
        point = (
            axes_.os_in_tables(wish.os.text, facts),
            wish.python.text,
            cuda_version(wish.cuda.text),
            axes_.torch_in_tables(wish.torch.text, facts),
        )
        first = seen.get(point) or _place_in_product(point, axes)
        if first:
            problems.append(_twice(point, wish, first))
            continue
        seen[point] = wish.place
        kept.append((point, wish))
    return tuple(kept)


def _place_in_product(point: Point, axes: Axes) -> Place | None:
    """Where the product has the cell: the place of its torch."""
    os, python, cuda, torch = point
    names = zip((os, python, cuda), (axes.os, axes.python, axes.cuda), strict=True)
    if not all(any(entry.name == name for entry in entries) for name, entries in names):
        return None
    return next((entry.place for entry in axes.torch if entry.name == torch), None)


def _twice(point: Point, wish: Inclusion, first: Place) -> Problem:
    os, python, cuda, torch = point
    name = cell_id(os=os, python=python, cuda=cuda, torch=torch)
    return Problem(
        message=f"{name} is there already",
        hint=f"remove it here, or at {first}",
        place=wish.place,
        cell=name,
    )


class _Maker:
    """Makes cells; keeps a judge and an atlas per provider and platform."""

    def __init__(
        self, matrix: Matrix, facts: Facts, rules: tuple[exclusions.Rule, ...], write: tags.Writer
    ) -> None:
        self._matrix = matrix
        self._facts = facts
        self._rules = rules
        self._write = write
        self._benches: dict[tuple[Provider, Platform], _Bench] = {}

    def product(self, axes: Axes) -> Iterator[Cell]:
        """The cells of the product; a cell's place is that of its torch."""
        for os, python, cuda, torch in product(axes.os, axes.python, axes.cuda, axes.torch):
            point = (os.name, python.name, cuda.name, torch.name)
            excluded = tuple(rule.reason for rule in self._rules if rule.excludes(*point))[:1]
            status: Status = "excluded" if excluded else "kept"
            for bench in self._for_platforms(self._matrix.provider):
                yield self._cell(point, bench, status, excluded, torch.place)

    def included(self, wishes: Iterable[tuple[Point, Inclusion]]) -> Iterator[Cell]:
        """The cells outside the product."""
        for point, wish in wishes:
            for bench in self._for_platforms(wish.provider or self._matrix.provider):
                yield self._cell(point, bench, "included", (), wish.place)

    def _cell(self, point: Point, bench: _Bench, status: Status, excluded: Reasons, place: Place) -> Cell:
        os, python, cuda, torch = point
        references, around = self._write(*point), bench.judge.around
        reasons = bench.judge.reasons(*point)
        judged = verdict(reasons)
        if judged != "possible":
            near = bench.atlas.nearest(*point)
            reasons = tuple(replace(reason, nearest=near) if reason.blocks else reason for reason in reasons)
            if status != "excluded" and self._matrix.impossible == "drop":
                status = "dropped"
        return Cell(
            id=cell_id(os=os, python=python, cuda=cuda, torch=torch, architecture=bench.architecture),
            os=os,
            python=python,
            cuda=cuda,
            torch=torch,
            arch=around.arch,
            provider=around.provider,
            flavor=around.flavor,
            verdict=judged,
            status=status,
            reasons=(*excluded, *reasons),
            tags=tuple(suffixed(one, bench.architecture) for one in references),
            shared=references if bench.architecture else (),
            place=place,
        )

    def _for_platforms(self, provider: Provider) -> Iterator[_Bench]:
        for platform in self._matrix.platforms:
            if (provider, platform) not in self._benches:
                self._benches[provider, platform] = self._bench(provider, platform)
            yield self._benches[provider, platform]

    def _bench(self, provider: Provider, platform: Platform) -> _Bench:
        judge = Judge(self._facts, circumstances(self._matrix, provider, platform))
        architecture = platform.removeprefix("linux/") if len(self._matrix.platforms) > 1 else ""
        return _Bench(judge=judge, atlas=Atlas(judge, architecture), architecture=architecture)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    judge: Judge
    atlas: Atlas
    architecture: str  # with which ids and tags end; empty where a matrix has one platform
