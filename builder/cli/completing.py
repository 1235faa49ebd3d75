"""What a shell offers while a command is typed. It must never fail: a broken matrix offers nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem, split_arg_string

from builder.errors import EnvbuildError

MOST_FILES = 20  # matrices that are looked into; each takes some milliseconds


def cells(context: click.Context, option: click.Parameter, begun: str) -> list[str]:  # noqa: ARG001  click's signature
    """The cells of the matrix that was typed, or of those that lie here."""
    return _cells_of(_typed() or _here(), begun)


def files(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:  # noqa: ARG001
    """Whatever files the shell itself finds."""
    return [CompletionItem(begun, type="file")]


def names(context: click.Context, option: click.Parameter, begun: str) -> list[str]:
    """What can be explained: rules, traps, cells."""
    from builder.cell import RULES  # noqa: PLC0415
    from builder.cli import tables  # noqa: PLC0415

    traps: list[str] = []
    with suppress(EnvbuildError):
        traps = [trap.id for trap in tables.load().traps]
    return [word for word in (*RULES, *traps) if word.startswith(begun)] + cells(context, option, begun)


def _typed() -> list[Path]:
    """The matrix among the words on the line; click gives none up before an option has its value."""
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))
    return [Path(word) for word in words if word.endswith((".yaml", ".yml")) and Path(word).is_file()]


def _here() -> list[Path]:
    here = [*sorted(Path().glob("*.y*ml")), *sorted(Path("matrices").glob("*.y*ml"))]
    return here[:MOST_FILES]


def _cells_of(paths: list[Path], begun: str) -> list[str]:
    from builder.cli import selection  # noqa: PLC0415

    found: dict[str, None] = {}
    for path in paths:
        with suppress(EnvbuildError, OSError):
            found.update((cell.id, None) for cell in selection.read(path).cells if cell.id.startswith(begun))
    return list(found)
