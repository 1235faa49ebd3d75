"""`envbuild build`: images, through whatever engine answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import locking, running, selection
from builder.cli.options import force_option, matrix_argument, run_options, source_options, templates_option
from builder.cli.screen import say
from builder.errors import InputError
from builder.report import dry_run as intent


@click.command("build")
@matrix_argument
@run_options
@force_option
@source_options
@templates_option
@click.option("--dry-run", is_flag=True, help="Only tell what would be built; needs no engine, no network.")
def command(matrix: Path, only: tuple[str, ...], dry_run: bool, **options: Any) -> int:
    """Build the images of MATRIX. The output of each build goes to its
    build.log; a cell that fails does not keep the others from being built.

    \b
    Examples:
      envbuild build matrices/team.yaml --dry-run
      envbuild build matrices/team.yaml -j 2
      envbuild build matrices/team.yaml --only 'ubuntu22.04-*' --fail-fast
    """
    flags, chosen = running.flags(options), selection.select(matrix, only, options["shard"])
    if not dry_run:
        return running.run(chosen, flags, build=True, verify=False)
    if flags.as_json:
        hint = "`envbuild plan --format json` tells cells and tags"
        raise InputError.of("--json has no results to tell of with --dry-run", hint=hint)
    recipes = chosen.recipes(flags.templates)
    locking.good(chosen, recipes)
    say(intent.as_text(recipes))
    return 0
