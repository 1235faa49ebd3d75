"""`envbuild publish`: what was proven goes to a registry, by digest, and tagged last."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import click

from builder import publication, records
from builder.cell import Cell, aims
from builder.cli import folders, locking, running, selection, show, through
from builder.cli.options import registry_options, run_options, source_options, templates_option
from builder.cli.screen import say, warn
from builder.cli.selection import Selection
from builder.errors import InputError
from builder.lock import Lock
from builder.matrix import Matrix
from builder.publication import Order, Outcome, Way
from builder.registry import parse
from builder.registry.names import Reference
from builder.release import Other, Target
from builder.report import published
from builder.report.follow import watching


@click.command("publish")
@click.argument("matrix", type=click.Path(path_type=Path, readable=False), required=False)
@click.option("--to", metavar="REPO", help="Where to, as host/path.  [default: `image` of MATRIX]")
@click.option("--partial", is_flag=True, help="Publish what may be published, although other cells may not.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be sent and tagged.")
@click.option("--compat", is_flag=True, help="Layers as gzip, for registries and engines without zstd.")
@click.option(
    "--force", "forced", multiple=True, metavar="TAG", help="Move this tag, though it must not move."
)
@registry_options
@click.option(
    "--sign", "key", metavar="KEY", help="Let cosign sign with this key (a file, env://VARIABLE ...)."
)
@click.option(
    "--through",
    type=click.Choice(["registry", "engine"]),
    default="registry",
    show_default=True,
    help="Who talks to the registry: envbuild, or the engine by its own push, where nothing else reaches it.",
)
@click.option(
    "--verify", "published_as", metavar="REF", help="Publish nothing; read REF back, as `show` does."
)
@run_options
@source_options
@templates_option
def command(matrix: Path | None, only: tuple[str, ...], **options: Any) -> int:
    """Publish the images of MATRIX that passed their verification, and nothing
    else. Standard output has their digests alone: one REPO@sha256:... a line.

    \b
    Examples:
      envbuild publish matrices/team.yaml --to example.com/team/torch --dry-run
      envbuild publish matrices/team.yaml --only 'ubuntu24.04-*'
      envbuild publish matrices/team.yaml --partial --compat
    """
    if options["published_as"]:
        return _read_back(matrix, options)
    path = _checked(matrix, options)
    flags, chosen = running.flags(options), selection.select(path, only, options["shard"])
    if running.empty(chosen):
        return 0
    recipes = chosen.recipes(flags.templates)
    lock = locking.good(chosen, recipes)
    place = _place(chosen.matrix.image if options["to"] is None else options["to"])
    folder = flags.out or folders.default(chosen.matrix)
    pointers = aims(chosen.cells, chosen.matrix, chosen.facts)
    _check_forced(options["forced"], {*_tags(chosen.cells), *(aim.tag for aim in pointers)})
    fixed = _fixed(chosen.matrix, options["forced"])
    with (
        running.ports(flags.engine, flags.jobs) as ports,
        through.opened(place.host, options, ports) as outside,
    ):
        ways = tuple(
            Way(
                work=running.work_of(one, lock, chosen, flags, folder / one.cell.id),
                lock=lock,
                target=_target(one.cell, place.path, fixed, _before(folder / one.cell.id, place.host)),
            )
            for one in recipes
        )
        order = Order(
            ways=ways,
            path=place.path,
            aims=pointers,
            other=partial(_other, chosen, lock, flags.templates),
            fixed=fixed,
            partial=options["partial"],
            dry=options["dry_run"],
        )
        with watching(running.view(len(ways), ("publish",), flags, ports)) as viewer:
            outcome = publication.run(order, outside, viewer.see)
    return _shown(outcome, flags.as_json)


def _checked(matrix: Path | None, options: dict[str, Any]) -> Path:
    """The matrix's file. Raises `InputError` for options that cannot be done."""
    from builder.source import offline  # noqa: PLC0415

    if matrix is None:
        raise click.UsageError("it needs a MATRIX")
    through.check(options)
    if offline():
        raise InputError.of("publish talks to a registry, and --offline forbids that", hint="leave it out")
    return matrix


def _read_back(matrix: Path | None, options: dict[str, Any]) -> int:
    if matrix is not None:
        raise click.UsageError("--verify reads back what is published, and takes no MATRIX")
    return show.run(options["published_as"], options, as_json=options["as_json"])


def _place(text: str) -> Reference:
    found = parse(text)
    if found.tag or found.digest:
        raise InputError.of(
            f"{text} names one image, and --to wants a repository",
            hint=f"leave the tag out: --to {found.repository}",
        )
    return found


def _check_forced(forced: Sequence[str], known: set[str]) -> None:
    """A tag to be moved that there is not is a slip."""
    for tag in sorted(set(forced) - known):
        close = get_close_matches(tag, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "`--dry-run` tells the tags"
        raise InputError.of(f"--force: no image of this matrix is tagged '{tag}'", hint=hint)


def _fixed(matrix: Matrix, forced: Sequence[str]) -> Callable[[str], bool]:
    """Tells tags that must not move."""
    return lambda tag: tag not in forced and any(fnmatchcase(tag, rule) for rule in matrix.immutable)


def _target(cell: Cell, path: str, fixed: Callable[[str], bool], before: str) -> Target:
    tags = _tags((cell,))
    there = (before,) if before and before != path else ()
    return Target(path=path, tags=tags, immutable=frozenset(filter(fixed, tags)), mount_from=there)


def _before(folder: Path, host: str) -> str:
    """Where in this registry the cell was published last: its blobs need not be sent again."""
    registry, _, path = records.read_repository(folder).partition("/")
    return path if registry == host else ""


def _tags(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(reference.rpartition(":")[2] for cell in cells for reference in cell.tags)


def _other(chosen: Selection, lock: Lock | None, templates: Path | None, name: str) -> Other | None:
    """A cell that `--only` leaves out; None where the lock does not know it."""
    (cell,) = (cell for cell in chosen.cells if cell.id == name)
    (recipe,) = dataclasses.replace(chosen, chosen=(cell,)).recipes(templates)
    locked = running.locked(recipe, chosen, lock)
    tag = cell.tags[0].rpartition(":")[2]
    return Other(platform=locked.base.platform, tag=tag, inputs=locked.inputs) if locked else None


def _shown(outcome: Outcome, as_json: bool) -> int:
    """Digests on standard output, everything else beside it; the exit code."""
    for line in published.lines(outcome):
        warn(line)
    if as_json:
        say(records.dumps(published.as_json(outcome)).rstrip("\n"))
    else:
        references = [one.release.reference for one in outcome.cells if one.release]
        if references:
            say("\n".join(references))
    return outcome.exit_code
