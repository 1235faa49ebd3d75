"""`envbuild render`: Dockerfiles and contexts on disk; `--check` tells whether they still are what the
matrix makes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from builder import files, recipe
from builder.cli import folders, selection
from builder.cli.options import OUT, matrix_argument, only_option, out_option, templates_option
from builder.cli.screen import say, warn
from builder.errors import InputError, Problem
from builder.matrix import Matrix
from builder.recipe import Recipe
from builder.report import bake, problems
from builder.report.look import look


@click.command("render")
@matrix_argument
@only_option
@out_option("the folders, one per cell,", f"among the records in {OUT}")
@click.option(
    "--format",
    "form",
    type=click.Choice(["folders", "bake", "dockerfile"]),
    default="folders",
    help="Folders; these and a file for docker buildx bake; or one Dockerfile on standard output."
    "  [default: folders]",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a folder is not what it would be.")
@templates_option
def command(matrix: Path, only: tuple[str, ...], templates: Path | None, **options: Any) -> int:
    """Write a folder for each cell of MATRIX: its Dockerfile and all that it
    needs. `docker build` on such a folder works without envbuild.

    \b
    Examples:
      envbuild render matrices/team.yaml --out docker
      envbuild render matrices/team.yaml --out docker --check
      envbuild render matrices/team.yaml --out docker --format bake
    """
    chosen, out, check = selection.select(matrix, only), options["out"], options["check"]
    recipes = chosen.recipes(templates)
    if options["form"] == "dockerfile":
        given = ["--out"] * (out is not None) + ["--check"] * check
        if given:
            message = f"{' and '.join(given)} cannot be combined with --format dockerfile"
            raise InputError.of(message, hint="it goes to standard output")
        return _print(recipes)
    places = [(one, _place(one, out, chosen.matrix)) for one in recipes]
    top = out or folders.default(chosen.matrix)
    file = (top / bake.NAME, bake.bake_file(places, top)) if options["form"] == "bake" else None
    if check:
        return _check(places, file)
    folders.writable(top)
    for one, place in places:
        recipe.write_folder(one, place)
        say(str(place))
    if file:
        files.write(*file)
        say(str(file[0]))
    return 0


def _print(recipes: Sequence[Recipe]) -> int:
    if len(recipes) != 1:
        message = f"one Dockerfile is of one cell, and {len(recipes)} are chosen"
        raise InputError.of(message, hint=f"name the one: --only {recipes[0].cell.id}")
    say(dict(recipes[0].files)["Dockerfile"].decode().rstrip("\n"))
    return 0


def _place(one: Recipe, out: Path | None, matrix: Matrix) -> Path:
    """Below `out`; else where a build has its recipes too, among a cell's records."""
    return out / one.cell.id if out else folders.default(matrix) / one.cell.id / "recipe"


def _check(places: Sequence[tuple[Recipe, Path]], file: tuple[Path, bytes] | None) -> int:
    """1 and a list of what differs, 0 and silence when nothing does."""
    stale: list[Problem] = []
    if file and not (file[0].is_file() and file[0].read_bytes() == file[1]):
        stale.append(Problem(message=f"{file[0]} {'differs' if file[0].is_file() else 'is missing'}"))
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
