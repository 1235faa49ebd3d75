"""`envbuild fetch`: a folder with everything that a lock names, for machines without a network."""

from __future__ import annotations

from pathlib import Path

import click

from builder import lock as locks
from builder.cli import folders, locking, running, selection
from builder.cli.options import matrix_argument, source_options, templates_option
from builder.cli.screen import say, warn
from builder.errors import InputError
from builder.image import Locked, restoring


@click.command("fetch")
@matrix_argument
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="The folder; what is in it already is not fetched again.",
)
@source_options
@click.option("--engine", metavar="URL", help="The container engine's address, as for `envbuild build`.")
@templates_option
def command(matrix: Path, folder: Path, engine: str | None, templates: Path | None) -> int:
    """Copy everything that the lock of MATRIX names into DIR: wheels, Pythons,
    the distribution's packages, and the layers of the base images. With
    `--mirror DIR --offline`, `envbuild build` needs nothing else.

    \b
    Examples:
      envbuild fetch matrices/team.yaml --to mirror
      envbuild fetch matrices/quickstart.yaml --to /media/disk/mirror
      envbuild build matrices/team.yaml --mirror mirror --offline
    """
    chosen = selection.select(matrix)
    lock = locks.read(locks.path_for(matrix))
    problems = (
        locks.stale(lock, chosen.matrix, chosen.recipes(templates)) if lock else (locks.missing(matrix),)
    )
    if lock is None or problems:
        raise InputError(problems)
    folders.writable(folder, "--to")
    with running.ports(engine) as outside:
        for one in chosen.recipes(templates):
            base = Locked.of(one, lock, locking.wish(chosen, one)).ground.base
            if base.locked.origin == "bootstrap":  # made again where this machine has it no more
                restoring.layers(base, outside, lambda _: None)
        found = locks.mirror(lock, folder, outside, warn)
    warn(f"{folder}: {found.files} files, {found.new} of them new")
    for why in locks.unpinned(lock):
        warn(f"a build needs a network all the same: {why}")
    say(str(folder))
    return 0
