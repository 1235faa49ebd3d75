"""Options that several commands share, and where files go."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from builder.matrix import Matrix

OUT = ".envbuild/MATRIX"

Command = TypeVar("Command", bound=Callable[..., Any])


def out_folder(matrix: Matrix) -> Path:
    """Where records of a matrix are kept unless told otherwise: below the current folder."""
    return Path(".envbuild") / matrix.name


only_option = click.option(
    "--only", multiple=True, metavar="PATTERN", help="Cells whose id matches, for example 'ubuntu*-cpu-*'."
)
templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder whose files stand in for envbuild's own templates of the same name.",
)


def run_options(command: Command) -> Command:
    """The options of every command that works on an engine."""
    for option in reversed(_RUN):
        command = option(command)
    return command


def verify_options(command: Command) -> Command:
    """The options of every command that verifies."""
    for option in reversed(_VERIFY):
        command = option(command)
    return command


_RUN = (
    only_option,
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 64),
        default=min(4, os.cpu_count() or 1),
        show_default=True,
        help="How many cells at once.",
    ),
    click.option(
        "--fail-fast/--keep-going", default=False, help="Stop at the first failure, or go on (default)."
    ),
    click.option("--out", type=click.Path(path_type=Path), help=f"Folder for logs and records.  [{OUT}]"),
    click.option(
        "--engine", metavar="URL", help="The engine's address, else DOCKER_HOST, context, usual sockets."
    ),
    click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output."),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
    click.option("-v", "--verbose", is_flag=True, help="The builds' own output too."),
)

_VERIFY = (
    click.option(
        "--level",
        type=click.Choice(["static", "basic", "deep"]),
        help="How thoroughly, instead of the matrix's level.",
    ),
    click.option(
        "--gpus/--no-gpus", default=None, help="Pass GPUs to the containers; default: when the engine can."
    ),
    click.option(
        "--allow",
        multiple=True,
        type=click.Choice(["no-gpu"]),
        help="Do not fail for checks that need what this machine lacks; they stay 'not verified'.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder with MNIST in IDX files, to train on instead of the synthetic digits.",
    ),
)
