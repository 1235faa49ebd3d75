"""`envbuild cache`: what is kept on this machine for the next time, and how to make room."""

from __future__ import annotations

import os
from pathlib import Path

import click

from builder.cli.screen import say, warn
from builder.errors import InputError
from builder.layer import pruning as layers_kept
from builder.layer.cache import Layers
from builder.matrix.amounts import size
from builder.matrix.spelling import WordError
from builder.records import dumps
from builder.report import kept
from builder.source import pruning as files_kept
from builder.source import store_folder

BOUND, DEFAULT = "ENVBUILD_CACHE_SIZE", "50GB"  # of layers, and of files as well


@click.group("cache", no_args_is_help=False)
def command() -> None:
    """What envbuild keeps on this machine: files that were fetched, and layers that
    were made of them. All of it can be fetched and made again.

    \b
    Examples:
      envbuild cache show
      envbuild cache prune --keep 20GB
    """


@command.command("show", short_help="List layers and files.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(as_json: bool) -> int:
    """List layers and files, what was not used for the longest time first."""
    root = store_folder()
    layers, files = layers_kept.usage(Layers(root=root)), files_kept.usage(root)
    if as_json:
        say(dumps(kept.as_json(root, layers, files)).rstrip("\n"))
    else:
        say(kept.as_text(root, layers, files))
    return 0


@command.command("prune", short_help="Make room.")
@click.option(
    "--keep",
    metavar="SIZE",
    help=f"As much of each may stay, for example 20GB or 0.  [default: {BOUND}, else {DEFAULT}]",
)
def prune(keep: str | None) -> int:
    """Remove what was not used for the longest time."""
    freed = pruned(store_folder(), 0 if keep == "0" else _bytes(keep, "--keep") if keep else bound())
    warn(f"{kept.amount(freed)} freed")
    return 0


def bound() -> int:
    """How many bytes of layers, and of files, may stay when a run ends."""
    return _bytes(os.environ.get(BOUND) or DEFAULT, BOUND)


def pruned(root: Path, keep: int) -> int:
    """Keep layers and files below `keep` bytes each; how many bytes went."""
    return layers_kept.prune(Layers(root=root), keep) + files_kept.prune(root, keep)


def _bytes(text: str, where: str) -> int:
    try:
        return size(text)
    except WordError as error:
        raise InputError.of(f"{where}: {error}", hint="write a number and a unit, such as 20GB") from error
