"""`envbuild show`: a published image, read back from its registry."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import click

from builder import records
from builder.cli.options import registry_options
from builder.cli.screen import say
from builder.registry import connect, parse
from builder.report import shown
from builder.report.look import look


@click.command("show")
@click.argument("reference", metavar="REF")
@registry_options
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
def command(reference: str, *, as_json: bool, **options: Any) -> int:
    """Show what a registry has under REF and what its papers say: bills of
    materials, provenance, and the verdict. Everything is compared with the image
    by digest; the exit code is 1 where something is missing or does not fit.

    \b
    Examples:
      envbuild show registry.example.com/team/torch:latest
      envbuild show registry.example.com/team/torch@sha256:... --json
    """
    return run(reference, options, as_json=as_json)


def run(reference: str, options: dict[str, Any], *, as_json: bool) -> int:
    """Show it; the exit code."""
    from builder.released import read  # noqa: PLC0415  `publish` has it, too

    asked = parse(reference)
    with closing(connect(asked.host, plain_http=options["plain_http"], ca=options["ca"])) as registry:
        found = read(asked, registry)
    if as_json:
        say(records.dumps(shown.as_json(found)).rstrip("\n"))
    else:
        say(shown.as_text(found, look(sys.stdout)))
    return 0 if found.good else 1
