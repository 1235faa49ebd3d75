"""`envbuild plan`: every cell with its verdict; no engine, no network."""

from __future__ import annotations

from pathlib import Path

import click

from builder import records
from builder.cell import refusals
from builder.cli import selection
from builder.errors import InputError
from builder.report import plan_table


@click.command("plan")
@click.argument("matrix", type=click.Path(path_type=Path))
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Cells whose id matches, for example 'ubuntu*-cpu-*'."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(matrix: Path, only: tuple[str, ...], form: str) -> int:
    """Show every cell of MATRIX: to build, excluded, dropped, impossible or unknown, and why.

    An impossible or unknown cell makes the exit code 2 unless the matrix says `impossible: drop`.

    \b
    Examples:
      envbuild plan matrices/team.yaml
      envbuild plan matrices/team.yaml --format json | jq '.cells[] | select(.verdict != "possible")'
    """
    chosen = selection.read(matrix, only)
    cells = tuple(cell for cell in chosen.cells if not only or selection.meant(cell, only))
    if form == "json":
        click.echo(records.dumps(plan_table.as_json(chosen.matrix, cells, chosen.facts.date)), nl=False)
    else:
        click.echo(plan_table.as_text(chosen.matrix, cells, chosen.facts.date))
    refused = refusals(cells, chosen.matrix)
    if refused:
        raise InputError(refused)
    return 0
