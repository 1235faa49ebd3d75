"""`envbuild up`: the main job in one word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import running, selection
from builder.cli.options import (
    force_option,
    matrix_argument,
    run_options,
    source_options,
    templates_option,
    verify_options,
)


@click.command("up")
@matrix_argument
@run_options
@force_option
@verify_options
@source_options
@templates_option
def command(matrix: Path, only: tuple[str, ...], **options: Any) -> int:
    """Plan MATRIX, build its images, prove each inside its own container, and
    print a verdict per cell.

    \b
    Examples:
      envbuild up matrices/quickstart.yaml
      envbuild up matrices/gpu.yaml --allow no-gpu
      envbuild up matrices/team.yaml --only '*-cpu-*' --json > results.json
    """
    return running.run(
        selection.select(matrix, only, options["shard"]), running.flags(options), build=True, verify=True
    )
