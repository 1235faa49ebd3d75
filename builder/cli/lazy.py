"""A command group that knows its commands by name and help, and imports one only when it is called."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click

from builder.errors import InputError, Problem


class LazyGroup(click.Group):
    """Commands live in `builder.cli.<name>`, each as a function called `command`."""

    def __init__(self, *args: Any, commands_help: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._help = commands_help

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names in the order of the work."""
        return list(self._help)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in self._help:
            return None
        command: click.Command = importlib.import_module(f"builder.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with the nearest command for a typing mistake."""
        name = args[0] if args else ""
        if name not in self._help and not name.startswith("-"):
            near = difflib.get_close_matches(name.lower(), self._help, n=1)
            hint = f"did you mean `envbuild {near[0]}`?" if near else f"there are {', '.join(self._help)}"
            raise InputError((Problem(message=f"envbuild has no command {name}", hint=hint),))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands' list, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._help.items()))
