"""`envbuild report`: what is known of a matrix's cells, as one page."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from builder import lock as locks
from builder import records
from builder.cli import folders, selection
from builder.cli.options import OUT, matrix_argument, only_option
from builder.cli.screen import say, warn
from builder.report import account
from builder.report.account import Account


@click.command("report")
@matrix_argument
@only_option
@click.option(
    "--records",
    "kept",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help=f"Where a run left its records.  [default: {OUT}]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The page.  [default: report.html among the records]",
)
def command(matrix: Path, only: tuple[str, ...], kept: Path | None, out: Path | None) -> int:
    """Write what is known of the cells of MATRIX as one HTML file: every verdict
    with its checks, training, quantization, layers and versions. It needs no
    network and no engine, to be made or to be read.

    \b
    Examples:
      envbuild report matrices/team.yaml
      envbuild report matrices/team.yaml --out team.html
    """
    chosen = selection.read(matrix, only)
    folder = kept or folders.default(chosen.matrix)
    target = out or folder / "report.html"
    folders.writable(target.parent)
    cells = tuple(cell for cell in chosen.cells if selection.meant(cell, only))
    lock = locks.read(locks.path_for(matrix))
    told = Account(
        matrix=str(matrix),
        name=chosen.matrix.name,
        facts=chosen.facts.date,
        lock=hashlib.sha256(locks.dumps(lock).encode()).hexdigest() if lock else "",
        entries=account.entries(cells, chosen.recipes(), folder),
    )
    from builder.report.page import html  # noqa: PLC0415  the template is for who asks

    records.write_bytes(target, html(told).encode())
    if not any(entry.image for entry in told.entries):
        warn(f"{folder} has no records of these cells: the page tells the plan alone")
    say(str(target))
    return 0
