"""`envbuild render`: Dockerfiles and contexts on disk; `--check` tells whether they still are what the
matrix makes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from builder import recipe
from builder.cli import folders, selection
from builder.cli.options import OUT, matrix_argument, only_option, out_option, templates_option
from builder.cli.screen import say, warn
from builder.errors import Problem
from builder.matrix import Matrix
from builder.recipe import Recipe
from builder.report import problems
from builder.report.look import look


@click.command("render")
@matrix_argument
@only_option
@out_option("the folders, one per cell,", f"among the records in {OUT}")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a folder is not what it would be.")
@templates_option
def command(
    matrix: Path, only: tuple[str, ...], out: Path | None, check: bool, templates: Path | None
) -> int:
    """Write a folder for each cell of MATRIX: its Dockerfile and all that it
    needs. `docker build` on such a folder works without envbuild.

    \b
    Examples:
      envbuild render matrices/team.yaml --out docker
      envbuild render matrices/team.yaml --out docker --check
    """
    chosen = selection.select(matrix, only)
    places = [(one, _place(one, out, chosen.matrix)) for one in chosen.recipes(templates)]
    if check:
        return _check(places)
    folders.writable(out or folders.default(chosen.matrix))
    for one, place in places:
        recipe.write_folder(one, place)
        say(str(place))
    return 0


def _place(one: Recipe, out: Path | None, matrix: Matrix) -> Path:
    """Below `out`; else where a build has its recipes too, among a cell's records."""
    return out / one.cell.id if out else folders.default(matrix) / one.cell.id / "recipe"


def _check(places: Sequence[tuple[Recipe, Path]]) -> int:
    """1 and a list of what differs, 0 and silence when nothing does."""
    stale: list[Problem] = []
    extra: list[Problem] = []  # `envbuild render` leaves these alone
    for one, place in places:
        for difference in [f"/{d}" for d in recipe.drift(one, place)] if place.is_dir() else [" is missing"]:
            kind = extra if difference.endswith(" is extra") else stale
            kind.append(Problem(message=f"{place}{difference}"))
    told = (
        *problems.one_line_each(stale, "`envbuild render` without --check writes them anew"),
        *problems.one_line_each(extra, "remove what is extra, or render into another folder"),
    )
    if told:
        warn(problems.text(told, look(sys.stderr)))
    return 1 if told else 0
