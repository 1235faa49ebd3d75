"""`envbuild facts`: what the compatibility tables know, how old that is, and where it is from."""

from __future__ import annotations

import sys

import click

from builder import facts, records
from builder.cli.screen import say
from builder.errors import InputError
from builder.facts.lookup import near
from builder.report import fact_sheet
from builder.report.look import look


@click.group("facts", no_args_is_help=False)
def command() -> None:
    """The compatibility tables: what they know, how old that is, and where it is from.

    \b
    Examples:
      envbuild facts show
      envbuild facts show 2.8 cu126 'RTX 3090'
    """


@command.command("show", short_help="Show what is known of something.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
def show(names: tuple[str, ...], *, as_json: bool) -> int:
    """Show what is known of a torch release, a CUDA, a Python, an OS, a GPU or a
    trap, with its sources; without a NAME the tables and their age.

    \b
    Examples:
      envbuild facts show
      envbuild facts show 2.8 cu126 'Ubuntu 22.04' 'RTX 3090'
    """
    tables = facts.load()
    entries = tuple(_entry(name, tables) for name in names)
    if as_json:
        say(records.dumps(fact_sheet.as_json(entries, tables)).rstrip("\n"))
    else:
        say(
            fact_sheet.as_text(entries, tables, look(sys.stdout)) if names else fact_sheet.tables_text(tables)
        )
    return 0


def _entry(name: str, tables: facts.Facts) -> facts.Entry:
    found = facts.find(tables, name)
    if found is None:
        close = near(tables, name)
        hint = f"did you mean {close}?" if close else "`envbuild facts show` lists the tables"
        raise InputError.of(f"the tables know nothing called '{name}'", hint=hint)
    return found
