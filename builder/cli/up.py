"""`envbuild up`: the main job in one word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import folders, running, selection
from builder.cli.options import (
    force_option,
    matrix_argument,
    run_options,
    source_options,
    templates_option,
    verify_options,
)
from builder.cli.report import PAGE, account_of, write_page
from builder.cli.screen import warn


@click.command("up")
@matrix_argument
@run_options
@force_option
@verify_options
@source_options
@templates_option
@click.option("--report", is_flag=True, help="End with the report of these cells, among the records.")
def command(matrix: Path, only: tuple[str, ...], *, report: bool, **options: Any) -> int:
    """Plan MATRIX, build its images, prove each inside its own container, and
    print a verdict per cell.

    \b
    Examples:
      envbuild up matrices/quickstart.yaml
      envbuild up matrices/gpu.yaml --allow no-gpu --report
      envbuild up matrices/team.yaml --only '*-cpu-*' --json > results.json
    """
    chosen, flags = selection.select(matrix, only, options["shard"]), running.flags(options)
    code = running.run(chosen, flags, build=True, verify=True)
    if report:
        folder = flags.out or folders.default(chosen.matrix)
        told = account_of(chosen, [cell.id for cell in chosen.chosen] or only, folder)
        warn(f"report: {write_page(told, folder / PAGE)}")
    return code
