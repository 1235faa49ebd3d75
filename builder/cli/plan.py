"""`envbuild plan`: every cell with its verdict; no engine, no network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builder import records
from builder.cell import refusals
from builder.cli import selection
from builder.cli.options import matrix_argument, only_option
from builder.cli.screen import say
from builder.errors import InputError
from builder.report import plan_table, problems
from builder.report.look import look

HINT = "take one of the nearest cells instead, or leave such cells out by `exclude` or by `impossible: drop`"


@click.command("plan")
@matrix_argument
@only_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For the eye, or for scripts.  [default: table]",
)
def command(matrix: Path, only: tuple[str, ...], form: str) -> int:
    """Show every cell of MATRIX: those to build, and the others with the reason
    and the nearest cells that exist. Needs no engine and no network.

    A cell that cannot be built makes the exit code 2, unless the matrix says
    `impossible: drop`.

    \b
    Examples:
      envbuild plan matrices/team.yaml
      envbuild plan matrices/team.yaml --only 'centos*'
      envbuild plan matrices/team.yaml --format json | jq -r '.cells[].id'
    """
    chosen = selection.read(matrix, only)
    cells = tuple(cell for cell in chosen.cells if selection.meant(cell, only))
    if form == "json":
        say(records.dumps(plan_table.as_json(chosen.matrix, cells, chosen.facts.date)).rstrip("\n"))
    else:
        say(plan_table.as_text(chosen.matrix, cells, chosen.facts.date, look(sys.stdout)))
    refused = refusals(cells, chosen.matrix)
    if refused:
        raise InputError(problems.one_line_each(refused, HINT))
    return 0
