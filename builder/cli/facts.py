"""`envbuild facts`: the compatibility tables, with source and age."""

from __future__ import annotations

import sys

import click

from builder import facts
from builder.cli import tables
from builder.cli.screen import say
from builder.facts import finding
from builder.records import dumps
from builder.report import facts_rows, facts_tables
from builder.report.look import look

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
    """


def _words(context: click.Context, option: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001
    """Names that begin so, for the shell's completion."""
    return [word for word in finding.words(tables.load()) if word.startswith(begun)]


@command.command("show", short_help="What the tables say, and where it was read.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_words)
@json_option
def show(names: tuple[str, ...], as_json: bool) -> int:
    """Show what the tables say, each row with its sources and the file that it is
    from. NAME is a table (torch, cuda, os, python, traps), a row as in a cell's
    name, or a whole cell's name; without one, the tables and their age.

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
        if name in finding.SHOWN:
            parts.append(facts_tables.as_text(known, group))
        else:
            told = [facts_rows.told(known, row, facts.load()) for row in group]
            parts += [facts_rows.as_text(known, one, look(sys.stdout)) for one in told]
    say("\n\n".join(parts))
    return 0
