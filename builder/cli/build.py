"""`envbuild build`: images, through whatever engine answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import running, selection
from builder.cli.options import run_options, templates_option


@click.command("build")
@click.argument("matrix", type=click.Path(path_type=Path))
@run_options
@templates_option
@click.option("--dry-run", is_flag=True, help="Show what would be built; touch no engine and no network.")
def command(matrix: Path, only: tuple[str, ...], dry_run: bool, **options: Any) -> int:
    """Build the images of MATRIX. Each cell's whole output goes to its build.log.

    \b
    Examples:
      envbuild build matrices/team.yaml -j 2
      envbuild build matrices/team.yaml --only 'ubuntu22.04-*' --fail-fast
    """
    chosen = selection.select(matrix, only)
    if dry_run:
        for one in chosen.recipes(options["templates"]):
            wanted, tags = " ".join(one.order.requirements), ", ".join(one.cell.tags)
            click.echo(f"{one.cell.id}: {one.base} + {wanted} -> {tags}")
        return 0
    return running.run(chosen, running.flags(options), build=True, verify=False)
