"""`envbuild reproduce`: the images of a matrix made twice from nothing, and compared."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from builder import records, reproduction
from builder.cli import locking, running, selection
from builder.cli.options import jobs_option, matrix_argument, only_option, source_options, templates_option
from builder.cli.screen import say, warn
from builder.engine.api import Progress
from builder.errors import InputError
from builder.image import Locked
from builder.layer.cache import Layers
from builder.ports import Ports, Shared
from builder.report import reproduced
from builder.reproduction import Compared, Made


@click.command("reproduce")
@matrix_argument
@only_option
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="URL",
    help="The container engine's address. Given twice: the second engine does the second round.",
)
@jobs_option
@source_options
@templates_option
@click.option("--json", "as_json", is_flag=True, help="What came out as JSON on standard output.")
def command(matrix: Path, only: tuple[str, ...], engines: tuple[str, ...], **options: Any) -> int:
    """Make the images of MATRIX twice from nothing and compare their IDs. Where
    they differ, tell which files do, and why. No image is left.

    \b
    Examples:
      envbuild reproduce matrices/quickstart.yaml
      envbuild reproduce matrices/team.yaml --only 'ubuntu24.04-*'
      envbuild reproduce matrices/debian.yaml --engine unix:///run/docker.sock \\
          --engine unix:///run/podman/podman.sock
    """
    if len(engines) > 2:
        raise InputError.of("--engine was given more than twice", hint="there are two rounds")
    templates, jobs = options["templates"], options["jobs"]
    chosen = selection.select(matrix, only)
    recipes = chosen.recipes(templates)
    found = locking.good(chosen, recipes)
    with ExitStack() as held:
        first = held.enter_context(running.ports(engines[0] if engines else None, jobs))
        lock = locking.complete(found, chosen, templates, first)
        cells = [Locked.of(one, lock, locking.wish(chosen, one)) for one in recipes]
        second = held.enter_context(running.ports(engines[1], jobs)) if len(engines) == 2 else first
        results = _rounds(cells, (first, second), jobs)
    say(
        records.dumps(reproduced.as_json(results)).rstrip("\n")
        if options["as_json"]
        else reproduced.as_text(results)
    )
    return max(result.exit_code for result in results)


def _rounds(cells: Sequence[Locked], engines: tuple[Ports, Ports], jobs: int) -> tuple[Compared, ...]:
    """Both rounds, the second in the opposite order; their layers stay on disk until they are compared."""
    with ExitStack() as held:
        rounds: list[dict[str, Made]] = []
        for number, ports in enumerate(engines, 1):
            folder = held.enter_context(ports.scratch())
            fresh = replace(
                ports, layers=Layers(root=folder), shared=Shared(jobs), fresh=f"-{uuid.uuid4().hex[:8]}"
            )
            about = ports.engine.about()
            warn(f"round {number} on {about.kind} {about.version} ({about.store})")
            held.callback(reproduction.forget, cells, fresh)
            held.callback(fresh.shared.settle)
            rounds.append(reproduction.build(cells[:: 1 if number == 1 else -1], fresh, _Steps(number).tell))
        ids = [one.recipe.cell.id for one in cells]
        return tuple(reproduction.compared(cell, rounds[0][cell], rounds[1][cell]) for cell in ids)


class _Steps:
    """Tells each step of a round once."""

    def __init__(self, number: int) -> None:
        self._number, self._told = number, set[str]()

    def tell(self, progress: Progress) -> None:
        """One line for a step of envbuild's own; what the engine says of its steps is left out."""
        if (
            progress.step.startswith(("layer of", "canonical", "bootstrap"))
            and progress.step not in self._told
        ):
            self._told.add(progress.step)
            warn(f"round {self._number}: {progress.step}")
