"""`envbuild plan`: every cell with its verdict; no engine, no network."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import click

from builder import records
from builder.cell import host, refusals, there
from builder.cli import selection
from builder.cli.options import matrix_argument, only_option
from builder.cli.screen import say, warn
from builder.errors import InputError
from builder.facts import Facts
from builder.report import plan_table, problems
from builder.report.look import look
from builder.report.plan_table import Plan

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
@click.option(
    "--driver",
    metavar="VERSION",
    help="Tell also what cannot run on a machine with this NVIDIA driver (535, 535.54.03).",
)
@click.option(
    "--gpu",
    "gpus",
    multiple=True,
    metavar="NAME",
    help="The same for a GPU, by name ('RTX 3090') or compute capability (8.6). May be repeated.",
)
def command(matrix: Path, only: tuple[str, ...], form: str, driver: str | None, gpus: tuple[str, ...]) -> int:
    """Show every cell of MATRIX: those to build, and the others with the reason
    and the nearest cells that exist. Needs no engine and no network.

    A cell that cannot be built makes the exit code 2, unless the matrix says
    `impossible: drop`. What can be built and cannot run on the machine of
    --driver and --gpu is told, and is no error.

    \b
    Examples:
      envbuild plan matrices/team.yaml
      envbuild plan matrices/team.yaml --only 'centos*'
      envbuild plan matrices/gpu.yaml --driver 535 --gpu 'RTX 3090'
      envbuild plan matrices/team.yaml --format json | jq -r '.cells[].id'
    """
    chosen = selection.read(matrix, only)
    cells = tuple(cell for cell in chosen.cells if selection.meant(cell, only))
    machine = host(driver, gpus, chosen.facts) if driver or gpus else None
    runs = there(cells, chosen.matrix, chosen.facts, machine) if machine else {}
    plan = Plan(matrix=chosen.matrix, cells=cells, date=chosen.facts.date, machine=machine, there=runs)
    if form == "json":
        say(records.dumps(plan_table.as_json(plan)).rstrip("\n"))
    else:
        say(plan_table.as_text(plan, look(sys.stdout)))
    for line in stale(chosen.facts, today()):
        warn(line)
    refused = refusals(cells, chosen.matrix)
    if refused:
        raise InputError(problems.one_line_each(refused, HINT))
    return 0


def stale(tables: Facts, day: str) -> list[str]:
    """A line for tables that should have been looked at again by that day."""
    old = [f"{table.name} ({table.compiled})" for table in tables.tables if table.stale_after < day]
    words = "newer releases may be missing, and a newer envbuild may have them"
    return [f"note: these tables are old: {', '.join(old)}; {words}"] if old else []


def today() -> str:
    """The date, as the tables write dates."""
    return datetime.now(timezone.utc).date().isoformat()
