"""`envbuild explain`: why a cell is as it is, what a rule means."""

from __future__ import annotations

import sys
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import click

from builder import matrix as matrices
from builder import recipe
from builder.cell import RULES, Cell, Rule, expand, grounds, knowing
from builder.cli import completing, selection, tables
from builder.cli.screen import say
from builder.cli.selection import Selection
from builder.errors import InputError
from builder.facts import Facts
from builder.names import CELL_ID, cuda_version
from builder.report import explained
from builder.report.explained import Explained, Made
from builder.report.look import look
from builder.yamldoc import shown

# Without a matrix a cell is as this one has it: what most matrices say.
ALONE = """\
version: 1
image: envbuild/explained
platform: {platform}
matrix: {{os: ["{os}"], python: ["{python}"], cuda: ["{cuda}"], torch: ["{torch}"]}}
"""
UNNAMED = Path("explain")


@click.command("explain")
@click.argument("name", shell_complete=completing.names)
@click.argument("matrix", required=False, type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(name: str, matrix: Path | None, *, as_json: bool) -> int:
    """Tell why a cell is as it is: what speaks against it and for it, each with its
    source, the nearest cells that can be built, and what it would be made of. With
    MATRIX, as that file has it; without, with the settings that are left out there.
    NAME is a cell's name or a rule's.

    \b
    Examples:
      envbuild explain centos7-py3.9-cpu-torch2.7.0
      envbuild explain ubuntu20.04-py3.9-cu118-torch2.4.1 matrices/team.yaml
      envbuild explain glibc_too_old
    """
    from builder import records  # noqa: PLC0415

    facts = tables.load()
    rule = _rule(name, facts)
    if rule is not None:
        told, text = explained.rule_as_json(rule), explained.rule_as_text(rule, look(sys.stdout))
    else:
        found = _explained(name, matrix, facts)
        told, text = explained.cell_as_json(found), explained.cell_as_text(found, look(sys.stdout))
    say(records.dumps(told).rstrip("\n") if as_json else text)
    return 0


def _rule(name: str, facts: Facts) -> Rule | None:
    """The rule or the trap of that name; None for a cell's. Raises `InputError` for anything else."""
    traps = {trap.id: trap for trap in facts.traps}
    if name in RULES or CELL_ID.fullmatch(name):
        return RULES.get(name)
    if name in traps:
        return explained.of_trap(traps[name])
    near = get_close_matches(name, (*RULES, *traps), n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else "name a cell, such as debian12-py3.11-cpu-torch2.8.0, or a rule"
    )
    raise InputError.of(f"there is no rule and no cell called '{shown(name)}'", hint=hint)


def _explained(name: str, path: Path | None, facts: Facts) -> Explained:
    chosen = selection.read(path) if path else _alone(name, facts)
    cell = next((cell for cell in chosen.cells if path is None or cell.id == name), None)
    if cell is None:
        near = get_close_matches(name, [cell.id for cell in chosen.cells], n=1)
        hint = f"did you mean {near[0]}?" if near else f"`envbuild plan {path}` names its cells"
        raise InputError.of(f"{path} has no cell {name}", hint=hint)
    made = _made(cell, chosen) if cell.verdict == "possible" else None
    where = str(path) if path else None
    return Explained(matrix=where, cell=cell, grounds=grounds(cell, chosen.facts), made=made)


def _alone(name: str, facts: Facts) -> Selection:
    """The cell as the one of a matrix that says nothing else. Raises `InputError` for an unknown OS."""
    axes = CELL_ID.fullmatch(name)
    parts = axes.groupdict() if axes else {}
    if facts.os_name(parts["os"]) is None:
        near = get_close_matches(parts["os"], facts.os, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the tables have {', '.join(facts.os)}"
        more = "; one of your own stands in a matrix: name its file, too"
        raise InputError.of(f"the tables have no operating system {parts['os']}", hint=hint + more)
    platform = f"linux/{parts['architecture'] or 'amd64'}"
    text = ALONE.format(**parts | {"cuda": cuda_version(parts["cuda"]), "platform": platform})
    try:
        asked = matrices.parse(text, UNNAMED)
        found = expand(asked, knowing(asked, facts))
    except InputError as error:  # the lines of a file that nobody wrote say nothing
        raise InputError(replace(problem, place=None) for problem in error.problems) from error
    cells = tuple(replace(cell, id=name) for cell in found)  # a matrix of one platform leaves that out
    return Selection(matrix=asked, facts=facts, cells=cells, chosen=cells)


def _made(cell: Cell, chosen: Selection) -> Made:
    made = recipe.write(cell, chosen.matrix, chosen.facts)
    packages = dict(made.files)["os/packages.txt"].decode().split()
    return Made(
        base=made.base,
        python=f"{cell.python} ({cell.provider})",
        requirements=made.order.requirements,
        bounds=made.order.constraints,
        index=made.order.index,
        system=tuple(packages),
    )
