"""`envbuild render`: Dockerfiles and contexts on disk; `--check` tells whether they still are what the
matrix makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builder import recipe
from builder.cli import selection
from builder.cli.options import OUT, only_option, out_folder, templates_option
from builder.recipe import Recipe


@click.command("render")
@click.argument("matrix", type=click.Path(path_type=Path))
@only_option
@click.option(
    "--out", type=click.Path(path_type=Path), help=f"Folder for the rendered folders, one a cell.  [{OUT}]"
)
@click.option(
    "--check", is_flag=True, help="Write nothing; fail when a rendered folder differs from what is there."
)
@templates_option
def command(
    matrix: Path, only: tuple[str, ...], out: Path | None, check: bool, templates: Path | None
) -> int:
    """Write a complete build folder for each cell of MATRIX: `docker build` on it works without envbuild.

    \b
    Examples:
      envbuild render matrices/team.yaml --out docker/
      envbuild render matrices/team.yaml --out docker/ --check
    """
    chosen = selection.select(matrix, only)
    folder = out or out_folder(chosen.matrix)
    recipes = chosen.recipes(templates)
    if check:
        return _check(recipes, folder)
    for one in recipes:
        recipe.write_folder(one, folder / one.cell.id)
        click.echo(folder / one.cell.id)
    return 0


def _check(recipes: tuple[Recipe, ...], folder: Path) -> int:
    """1 and a list of what differs, 0 and silence when nothing does."""
    drifted = [
        (folder / one.cell.id, name) for one in recipes for name in recipe.drift(one, folder / one.cell.id)
    ]
    for place, name in drifted:
        print(f"error: {place}: {name}", file=sys.stderr)  # noqa: T201
    if drifted:
        print("    hint: `envbuild render` without --check writes them anew", file=sys.stderr)  # noqa: T201
    return 1 if drifted else 0
