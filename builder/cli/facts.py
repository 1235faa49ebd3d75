"""`envbuild facts`: the compatibility tables, with source and age."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from builder import facts, files
from builder.cli import tables
from builder.cli.screen import say, warn
from builder.errors import InputError
from builder.facts import finding
from builder.facts.answers import COMPANIONS
from builder.records import dumps
from builder.report import facts_rows, facts_tables
from builder.report.look import look

if TYPE_CHECKING:
    from builder.facts.overlay import Overlay
    from builder.facts.upkeep.differing import Known
    from builder.facts.upkeep.observing import Observed

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group("facts", no_args_is_help=False)
def command() -> None:
    """The tables that say what fits together. A file of your own, or one that
    `refresh` writes, wins over what is shipped: ENVBUILD_FACTS names it, else it
    is facts.yaml in your folder for envbuild's data; `none` means the shipped
    tables alone.

    \b
    Examples:
      envbuild facts show
      envbuild facts show torch2.8 cu126 debian12
      envbuild facts check
      envbuild facts refresh
    """


def index_options(command: Command) -> Command:
    """The options of the commands that ask indexes."""
    pytorch = click.option(
        "--pytorch-index", metavar="URL", help="A mirror of PyTorch's index.  [default: PyTorch's own]"
    )
    matrix = click.option(
        "--release-matrix", metavar="URL", help="A copy of PyTorch's release matrix.  [default: its own]"
    )
    return pytorch(matrix(json_option(command)))


def _words(context: click.Context, option: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names that begin so, for the shell's completion."""
    return [word for word in finding.words(tables.load()) if word.startswith(begun)]


@command.command("show", short_help="What the tables say, and where it was read.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_words)
@json_option
def show(names: tuple[str, ...], as_json: bool) -> int:
    """Show what the tables say, each row with its sources and the file that it is
    from. NAME is a table (torch, cuda, os, python, gpu, traps), torchvision,
    torchaudio or torchao, a row as in a cell's name, or a whole cell's name;
    without one, the tables and their age.

    \b
    Examples:
      envbuild facts show torch
      envbuild facts show torch2.8 cu126 debian12 py3.11
      envbuild facts show debian12-py3.11-cpu-torch2.13.0
      envbuild facts show torch --json | jq '.rows[].name'
    """
    known = tables.load()
    found = {name: finding.find(known, name) for name in names}
    if as_json:
        rows = [facts_rows.told(known, row, facts.load()) for group in found.values() for row in group]
        say(dumps(facts_rows.as_json(known, rows)).rstrip("\n"))
        return 0
    if not names:
        say(facts_tables.overview(known, tables.overlay_path()))
        return 0
    parts = []
    for name, group in found.items():
        if name in COMPANIONS:
            parts.append(facts_tables.companions(group))
        elif name in finding.SHOWN:
            parts.append(facts_tables.as_text(known, group))
        else:
            told = [facts_rows.told(known, row, facts.load()) for row in group]
            parts += [facts_rows.as_text(known, one, look(sys.stdout)) for one in told]
    say("\n\n".join(parts))
    return 0


@command.command("check", short_help="Hold the tables against the index.")
@index_options
def check(pytorch_index: str | None, release_matrix: str | None, as_json: bool) -> int:
    """Ask the package index that pip uses here, and PyTorch's own where it answers,
    about every release of torch, and tell what the tables say otherwise: Pythons,
    glibc, CUDA, cuDNN, NCCL, Triton, companions, builds, hashes. No wheel is
    fetched whole. Exit code 1 where something differs; what nobody answered is
    unknown, and no difference.
    """
    from builder.facts.upkeep import differing  # noqa: PLC0415
    from builder.report import facts_checked  # noqa: PLC0415

    known = differing.known(_overlay(tables.overlay_path()))
    observed = _observed(known, pytorch_index, release_matrix)
    found = differing.differences(known, observed, tables.today())
    if as_json:
        say(dumps(facts_checked.as_json(observed, found)).rstrip("\n"))
    else:
        say(facts_checked.as_text(observed, found, look(sys.stdout)))
    return 1 if found else 0


@command.command("refresh", short_help="Write what the index says into the overlay.")
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    help="Take this one suspicious difference, for example torch2.8.0:python. May be repeated.",
)
@index_options
def refresh(
    accept: tuple[str, ...], pytorch_index: str | None, release_matrix: str | None, as_json: bool
) -> int:
    """Ask as `check` does, and write what differs into the overlay, which wins over
    the shipped tables. Nothing is written while a difference is suspicious: an old
    release that gets Pythons or builds, wheels or releases that are gone, files
    whose bytes are others. `--accept` takes one by its name. Exit code 1 then.
    """
    from builder.facts.upkeep import differing, writing  # noqa: PLC0415
    from builder.report import facts_checked  # noqa: PLC0415

    path = tables.overlay_path()
    if path is None:
        raise InputError.of(f"{tables.SETTING}={tables.NONE} leaves no file to write", hint="name one in it")
    overlay, today = _overlay(path), tables.today()
    known = differing.known(overlay)
    observed = _observed(known, pytorch_index, release_matrix)
    found = differing.differences(known, observed, today)
    refused = differing.refused(found, accept)
    if not refused:
        content = writing.text(writing.overlaid(overlay.parts if overlay else {}, found, observed, today))
        _readable(content, path)
        files.write(path, content.encode())
    written = None if refused else str(path)
    if as_json:
        say(dumps(facts_checked.as_json(observed, found, written)).rstrip("\n"))
    else:
        say(facts_checked.as_text(observed, found, look(sys.stdout)))
    warn(facts_checked.refusal(refused) if refused else f"written: {path}")
    for line in () if refused else facts_checked.not_verified(observed, known.facts):
        warn(line)
    return 1 if refused else 0


def _overlay(path: Path | None) -> Overlay | None:
    from builder.facts import overlay  # noqa: PLC0415

    return overlay.read(path) if path is not None and path.exists() else None


def _readable(content: str, path: Path) -> None:
    """What this command writes, the others must be able to read; a mistake in it is ours, and no user's."""
    from builder.facts import overlay  # noqa: PLC0415

    try:
        overlay.parse(content, path)
    except InputError as error:
        raise ValueError(f"what would be written is no overlay: {error}") from error


def _observed(known: Known, pytorch: str | None, matrix: str | None) -> Observed:
    """What the indexes say; new releases of which they tell too little are among what is unknown."""
    from builder.facts.upkeep import builds, differing, observing  # noqa: PLC0415
    from builder.source.package_index import open_index  # noqa: PLC0415

    index = open_index()
    warn(f"asking {index.address} about torch and what goes with it; this takes some seconds")
    observed = observing.observe(index, pytorch or builds.INDEX, matrix or builds.MATRIX)
    return replace(observed, unknown=(*observed.unknown, *differing.left_out(known, observed)))
