"""`envbuild up`: the main job in one word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import running, selection
from builder.cli.options import run_options, templates_option, verify_options


@click.command("up")
@click.argument("matrix", type=click.Path(path_type=Path))
@run_options
@verify_options
@templates_option
def command(matrix: Path, only: tuple[str, ...], **options: Any) -> int:
    """Plan MATRIX, build its images, verify each inside its container, and print a verdict per cell.

    \b
    Examples:
      envbuild up matrices/quickstart.yaml
      envbuild up matrices/gpu.yaml --allow no-gpu
    """
    return running.run(selection.select(matrix, only), running.flags(options), build=True, verify=True)
