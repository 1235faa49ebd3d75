"""`envbuild init`: a matrix for this machine, with the reasons written beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder import files
from builder.advice import advise
from builder.cli import tables
from builder.cli.doctor import described, engine_option, offline_option, simulate_option
from builder.cli.screen import warn
from builder.errors import InputError
from builder.report import starter
from builder.report.doctor import NOBODY


@click.command("init")
@click.argument("target", metavar="[FILE]", type=click.Path(path_type=Path), default="matrix.yaml")
@simulate_option
@engine_option
@offline_option
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def command(target: Path, *, force: bool, **options: Any) -> int:
    """Write a matrix for this machine into FILE (matrix.yaml), as `doctor` advises:
    the newest PyTorch that its driver and GPUs run. Each choice has its reason
    beside it, and what stands in the way there; edit it as you like.

    \b
    Examples:
      envbuild init matrix.yaml
      envbuild init matrices/gpu.yaml --simulate machine.json
    """
    if target.exists() and not force:
        raise InputError.of(
            f"{target} is there already", hint="name another file, or overwrite it with --force"
        )
    machine, known = described(options), tables.load()
    advice = advise(machine, known)
    if advice is None:
        raise InputError.of(NOBODY, hint="`envbuild doctor` shows what it has")
    files.write(target, starter.text(machine, advice, known).encode())
    for caution in starter.cautions(machine, advice):
        warn(caution)
    warn(f"{target}: {advice.cell}; `envbuild plan {target}` shows it")
    return 0
