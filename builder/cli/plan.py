"""`envbuild plan`: every cell with its verdict; no engine, no network."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from builder import preflight, records
from builder import remembered as remembering
from builder.cell import Cell, host, refusals, there
from builder.cli import selection, tables
from builder.cli.options import matrix_argument, only_option, shard_option
from builder.cli.screen import say, warn
from builder.cli.selection import Selection
from builder.errors import CellError, InputError
from builder.preflight import Asked, Input
from builder.remembered import Remembered
from builder.report import plan_table, problems
from builder.report.look import look
from builder.report.plan_table import Plan

JOBS = ("github", "gitlab")
MOST_JOBS = 256  # of one matrix of GitHub
HINT = "take one of the nearest cells instead, or leave such cells out by `exclude` or by `impossible: drop`"


def _shards(context: click.Context, option: click.Parameter, value: int | None) -> int | None:  # noqa: ARG001
    if value is not None and not 1 <= value <= MOST_JOBS:
        raise click.BadParameter(f"{value} is not a number from 1 to {MOST_JOBS}")
    return value


@click.command("plan")
@matrix_argument
@only_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "github", "gitlab"]),
    default="table",
    help="For the eye, for scripts, or as jobs of a CI system.  [default: table]",
)
@click.option(
    "--shards",
    metavar="N",
    type=int,
    callback=_shards,
    help="With github or gitlab: N jobs of about the same work each, not one per cell.",
)
@shard_option
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
@click.option(
    "--online",
    is_flag=True,
    help="Ask registries and indexes, too, whether they have what the cells need. Nothing is fetched.",
)
def command(matrix: Path, only: tuple[str, ...], **options: Any) -> int:
    """Show every cell of MATRIX: those to build, and the others with the reason
    and the nearest cells that exist. Needs no engine and no network.

    A cell that cannot be built makes the exit code 2, unless the matrix says
    `impossible: drop`. What can be built and cannot run on the machine of
    --driver and --gpu is told, and is no error. What --online finds missing makes
    it 1; what it could not ask is unknown, and is no error either.

    \b
    Examples:
      envbuild plan matrices/team.yaml
      envbuild plan matrices/team.yaml --only 'centos*'
      envbuild plan matrices/gpu.yaml --driver 535 --gpu 'RTX 3090'
      envbuild plan matrices/team.yaml --online
      envbuild plan matrices/team.yaml --format json | jq -r '.cells[].id'
      envbuild plan matrices/team.yaml --format github --shards 8
    """
    chosen = selection.read(matrix, only, options["shard"])
    if options["form"] in JOBS:
        return _jobs(chosen, only, options)
    if options["shards"]:
        raise InputError.of(
            "--shards goes with --format github or gitlab", hint="--shard I/N shows one of N parts"
        )
    kept = {cell.id for cell in chosen.chosen}
    meant = (cell for cell in chosen.cells if selection.meant(cell, only))
    cells = tuple(cell for cell in meant if options["shard"] is None or cell.id in kept)
    plan = _planned(chosen, cells, options)
    if options["form"] == "json":
        say(records.dumps(plan_table.as_json(plan)).rstrip("\n"))
    else:
        say(plan_table.as_text(plan, look(sys.stdout)))
    note = tables.stale_note(chosen.facts, tables.today())
    if note:
        warn(note)
    refused = refusals(plan.cells, chosen.matrix)
    if refused:
        raise InputError(problems.one_line_each(refused, HINT))
    missing = any(one.found == "missing" for inputs in plan.inputs.values() for one in inputs)
    return CellError.exit_code if missing else 0


def _jobs(chosen: Selection, only: tuple[str, ...], options: dict[str, Any]) -> int:
    """The cells to build as jobs; those that cannot be are refused as ever."""
    from builder.report import jobs  # noqa: PLC0415

    names = {"--online": "online", "--driver": "driver", "--gpu": "gpus"}
    asked = [name for name, given in names.items() if options[given]]
    if asked:
        message = f"{' and '.join(asked)} cannot be combined with --format {options['form']}"
        raise InputError.of(message, hint="jobs have no place for what it tells; plan twice")
    refused = refusals(tuple(cell for cell in chosen.cells if selection.meant(cell, only)), chosen.matrix)
    if refused:
        raise InputError(refused)
    work = jobs.cut(chosen.chosen, options["shards"])
    say(jobs.for_github(work) if options["form"] == "github" else jobs.for_gitlab(work, chosen.matrix.path))
    return 0


def _planned(chosen: Selection, cells: tuple[Cell, ...], options: dict[str, Any]) -> Plan:
    """The plan, with what a machine adds and what the outside has, where these are asked for."""
    driver, gpus = options["driver"], options["gpus"]
    machine = host(driver, gpus, chosen.facts) if driver or gpus else None
    return Plan(
        matrix=chosen.matrix,
        cells=cells,
        date=chosen.facts.date,
        overlay=chosen.facts.overlay,
        machine=machine,
        there=there(cells, chosen.matrix, chosen.facts, machine) if machine else {},
        inputs=_inputs(chosen) if options["online"] else {},
    )


def _inputs(chosen: Selection) -> Mapping[str, tuple[Input, ...]]:
    from builder.source import offline, open_source, store_folder  # noqa: PLC0415

    if offline():
        message = "--online asks the outside, and ENVBUILD_OFFLINE forbids it"
        raise InputError.of(message, hint="leave one of them out")
    remembered = Remembered(store_folder() / remembering.NAME)
    asked = Asked(source=open_source(), digest=_digest, remembered=remembered)
    return preflight.look(chosen.recipes(), chosen.matrix.base, asked, chosen.facts)


def _digest(reference: str) -> str | None:
    """The digest of an image's tag in its registry."""
    from builder.registry import hasty, parse  # noqa: PLC0415

    asked = parse(reference)
    with closing(hasty(asked.host)) as registry:
        found = registry.manifest(asked.path, asked.digest or asked.tag or "latest")
    return found.digest if found else None
