"""`envbuild report`: what is known of a matrix's cells, and what changed between two runs."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from builder import files, records
from builder import lock as locks
from builder.cli import folders, selection
from builder.cli.options import OUT, only_option
from builder.cli.screen import say, warn
from builder.cli.selection import Selection
from builder.errors import InputError
from builder.report import account
from builder.report.account import Account
from builder.report.look import PLAIN, Look, look

PAGE = "report.html"


@click.command("report")
@click.argument("matrix", required=False, type=click.Path(path_type=Path, readable=False))
@only_option
@click.option(
    "--records",
    "kept",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help=f"Where a run left its records.  [default: {OUT}]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "markdown", "json"]),
    help="html is a file; the others go to standard output.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there.  [default of html: report.html among the records]",
)
@click.option(
    "--compare",
    "sides",
    nargs=2,
    type=click.Path(path_type=Path, exists=True),
    metavar="BEFORE AFTER",
    help="What changed: two folders of records, or files of --format json.",
)
def command(
    matrix: Path | None,
    only: tuple[str, ...],
    sides: tuple[Path, Path] | None,
    form: str | None,
    **where: Path | None,
) -> int:
    """Write what is known of the cells of MATRIX: every verdict with its checks,
    training, quantization, layers and versions, and what went on when. It needs no
    network and no engine, to be made or to be read.

    \b
    Examples:
      envbuild report matrices/team.yaml
      envbuild report matrices/team.yaml --format json --out monday.json
      envbuild report --compare monday.json tuesday.json
      envbuild report --compare .envbuild/before .envbuild/after --format markdown
    """
    kept, out = where["kept"], where["out"]
    _spare(out, matrix, *(sides or ()))
    if sides:
        if matrix or only or kept:
            raise InputError.of("--compare wants nothing but two sides", hint="leave MATRIX and the rest out")
        _tell(_compared(sides, form or "text", PLAIN if out else look(sys.stdout)), out)
        return 0
    if matrix is None:
        raise InputError.of("what is to be reported?", hint="name a matrix, or --compare BEFORE AFTER")
    chosen = selection.read(matrix, only)
    folder = kept or folders.default(chosen.matrix)
    told = account_of(chosen, only, folder)
    if kept and not kept.is_dir():
        raise InputError.of(f"{kept} is no folder", hint="--records names one that a run wrote")
    if not any(entry.image or entry.tail or entry.verdict == "damaged" for entry in told.entries):
        warn(f"{folder} has no records of these cells: the report tells the plan alone")
    if form in (None, "html"):
        _say(write_page(told, out or folder / PAGE))
    else:
        _tell(_text(told, str(form)), out)
    return 0


def _spare(out: Path | None, *inputs: Path | None) -> None:
    """Raises `InputError` where the report would take the place of what it is made of."""
    if out is not None and out.name == "":  # an empty name reads as the folder
        raise InputError.of("--out names no file", hint="for example --out report.html")
    known = [path.resolve() for path in inputs if path]
    known += [locks.path_for(path) for path in known]
    if out is not None and out.resolve() in known:
        raise InputError.of(f"--out {out} would replace what is read", hint="name another file")


def account_of(chosen: Selection, only: Sequence[str], folder: Path) -> Account:
    """What `folder` has of the cells that are meant."""
    cells = tuple(cell for cell in chosen.cells if selection.meant(cell, only))
    lock = locks.read(locks.path_for(chosen.matrix.path))
    return Account(
        matrix=str(chosen.matrix.path),
        name=chosen.matrix.name,
        facts=chosen.facts.date,
        lock=hashlib.sha256(locks.dumps(lock).encode()).hexdigest() if lock else "",
        entries=account.entries(cells, chosen.recipes(), folder),
        runs=records.read_runs(folder),
    )


def write_page(told: Account, path: Path) -> Path:
    """The account as HTML; where it is."""
    from builder.report.page import html  # noqa: PLC0415  the template is for who asks

    _ready(path)
    files.write(path, html(told).encode())
    return path


def _ready(path: Path) -> None:
    """Raises `InputError` where it could not be written."""
    if not files.is_stream(path):
        folders.writable(path.parent)


def _text(told: Account, form: str) -> str:
    from builder.report.outline import markdown  # noqa: PLC0415

    return markdown(told) if form == "markdown" else records.dumps(account.as_json(told))


def _compared(sides: tuple[Path, Path], form: str, look: Look) -> str:
    from builder.report import compared  # noqa: PLC0415

    if form == "html":
        raise InputError.of("--compare has no page", hint="text, --format markdown or --format json")
    before, after = map(compared.read, sides)
    told = compared.compared(before, after)
    if form == "json":
        return records.dumps(compared.as_json(told))
    return compared.as_markdown(told) if form == "markdown" else compared.as_text(told, look)


def _tell(text: str, out: Path | None) -> None:
    """Text to a file, or to standard output."""
    if out is None:
        say(text.rstrip("\n"))
        return
    _ready(out)
    files.write(out, (text.rstrip("\n") + "\n").encode(errors="replace"))
    _say(out)


def _say(path: Path) -> None:
    """Where it is, unless that is standard output or the like: the words would go among the report's."""
    if not files.is_stream(path):
        say(str(path))
