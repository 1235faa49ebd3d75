"""Options that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from builder import files
from builder.cli.completing import cells

if TYPE_CHECKING:
    from builder.cell import Shard

Command = TypeVar("Command", bound=Callable[..., Any])

OUT = ".envbuild/NAME-OF-MATRIX"
MOST_JOBS = 64
LOOK = 4096  # bytes in which a JUnit report tells that it is one

matrix_argument = click.argument("matrix", type=click.Path(path_type=Path, readable=False))
only_option = click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    shell_complete=cells,
    help="Only cells whose name matches, for example 'ubuntu*-cpu-*'. May be repeated.",
)


def _shard(context: click.Context, option: click.Parameter, value: str | None) -> Shard | None:  # noqa: ARG001
    if value is None:
        return None
    from builder.cell import Shard  # noqa: PLC0415  what has no matrix starts without it
    from builder.yamldoc import shown  # noqa: PLC0415

    match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", value, re.ASCII)
    if not match:
        raise click.BadParameter(f"'{shown(value)}' is no part such as 2/5")
    number, of = int(match[1]), int(match[2])
    if not 1 <= number <= of:
        told = f"the first is 1/{of}" if of else "a whole has one part at least: 1/1"
        raise click.BadParameter(f"there is no part {number} of {of}; {told}")
    return Shard(number=number, of=of)


shard_option = click.option(
    "--shard",
    metavar="I/N",
    callback=_shard,
    help="Only part I of N, of about the same work each; together they are all.",
)
templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, readable=False),
    metavar="FOLDER",
    help="Files in it stand in for envbuild's own templates of the same name.",
)


def _setting(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """A callback for an option that stands for an environment variable: what reads that reads the option."""

    def told(context: click.Context, option: click.Parameter, value: object) -> None:  # noqa: ARG001
        if value:
            os.environ[name] = "1" if value is True else str(Path(str(value)).absolute())

    return told


def registry_options(command: Command) -> Command:
    """The options of every command that talks to a registry."""
    words = "Without TLS; only the loopback needs no word for that."
    plain = click.option("--plain-http", is_flag=True, help=words)
    path = click.Path(path_type=Path)
    ca = click.option("--ca", type=path, metavar="FILE", help="Certificates to trust as well.")
    return plain(ca(command))


def source_options(command: Command) -> Command:
    """The options of every command that fetches."""
    folder = click.Path(path_type=Path, exists=True, file_okay=False)
    words = "Take what a lock names from this folder first (ENVBUILD_MIRROR)."
    mirror = click.option(
        "--mirror",
        type=folder,
        metavar="DIR",
        expose_value=False,
        callback=_setting("ENVBUILD_MIRROR"),
        help=words,
    )
    words = "Use no network; say what is missing (ENVBUILD_OFFLINE=1)."
    offline = click.option(
        "--offline", is_flag=True, expose_value=False, callback=_setting("ENVBUILD_OFFLINE"), help=words
    )
    return mirror(offline(command))


def out_option(what: str, default: str) -> Callable[[Command], Command]:
    """Where `what` is written."""
    path, words = click.Path(path_type=Path, readable=False), f"Where {what} go.  [default: {default}]"
    return click.option("--out", type=path, metavar="FOLDER", help=words)


def _jobs(context: click.Context, option: click.Parameter, value: int) -> int:  # noqa: ARG001  click's signature
    if not 1 <= value <= MOST_JOBS:
        raise click.BadParameter(f"{value} is not a number from 1 to {MOST_JOBS}")
    return value


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


jobs_option = click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=int,
    callback=_jobs,
    default=min(4, os.cpu_count() or 1),
    help="How many pieces of work at once.  [default: one per CPU, at most 4]",
)

_RUN = (
    only_option,
    shard_option,
    jobs_option,
    click.option(
        "--fail-fast/--keep-going", default=False, help="Stop at the first failure; default: go on."
    ),
    out_option("logs and records", OUT),
    click.option(
        "--engine",
        metavar="URL",
        help="The container engine's address; default: DOCKER_HOST, then the Docker or Podman that answers.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output."),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress, only results."),
    click.option("-v", "--verbose", is_flag=True, help="Show what the builds print, too."),
)

force_option = click.option(
    "--force", is_flag=True, help="Build every cell, also one of which nothing has changed."
)


def _junit(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:  # noqa: ARG001
    """Where the report goes. One of an earlier run is taken away, lest it stand for a run that wrote none; no
    other file is.
    """
    if value is None or context.resilient_parsing:
        return value
    if str(value) in ("-", "."):  # an empty name reads as the folder
        raise click.BadParameter("a file is wanted; /dev/stdout is standard output")
    if value.is_file() and not files.is_stream(value):
        there = value.read_bytes()[:LOOK]
        if there and not re.search(rb"<testsuites?\b", there):  # an empty one was made to be written to
            raise click.BadParameter(f"{value} is there and is no such report; name another file")
        value.resolve().unlink()
    return value


_VERIFY = (
    click.option("--reverify", is_flag=True, help="Verify again what was verified as it is now."),
    click.option(
        "--level",
        type=click.Choice(["static", "basic", "deep"]),
        help="How thoroughly, whatever the matrix says: look only, also train, or try everything.",
    ),
    click.option(
        "--gpus/--no-gpus", default=None, help="Give the containers GPUs or not; default: if there are any."
    ),
    click.option(
        "--allow",
        multiple=True,
        type=click.Choice(["no-gpu"]),
        help="Exit with 0 although GPU checks could not run here; such cells stay 'not verified'.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        help="Train on the MNIST files (IDX format) in it, not on made-up digits.",
    ),
    click.option(
        "--junit",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        callback=_junit,
        help="Write the results as JUnit XML, too: a suite per cell, a case per check.",
    ),
)
