"""click's complaints about a command line → the form that every envbuild message has."""

from __future__ import annotations

import difflib
import re
import sys

import click

from builder.errors import Problem


def problem(error: click.ClickException) -> Problem:
    """What is wrong, in our words where click's are not a user's, and what to do."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else _typed()
    see = f"see `{command} --help`"
    if isinstance(error, click.NoSuchOption):
        near = difflib.get_close_matches(error.option_name, error.possibilities or (), n=1, cutoff=0.7)
        message = f"{command} has no option {error.option_name}"
        return Problem(message=message, hint=f"did you mean {near[0]}?" if near else see)
    if isinstance(error, click.MissingParameter):
        return Problem(message=f"{command} needs {_called(error.param)}", hint=see)
    if isinstance(error, click.BadParameter):
        return _bad_value(error, see)
    if isinstance(error, click.BadOptionUsage):
        several = re.search(r"requires (\d+) arguments", error.message)
        wanted = f"{several[1]} values" if several else "a value"
        return Problem(message=f"{command}: {error.option_name} needs {wanted}", hint=see)
    group = context.command if context else None
    if isinstance(group, click.Group) and "No such command" in error.message:
        return _no_command(error.message.split("'")[1], group, command)
    return Problem(message=f"{command}: {_lower(error.message)}", hint=see)


def _no_command(typed: str, group: click.Group, command: str) -> Problem:
    near = difflib.get_close_matches(typed.lower(), group.commands, n=1)
    hint = f"did you mean `{command} {near[0]}`?" if near else f"there are {', '.join(group.commands)}"
    return Problem(message=f"{command} has no command {typed}", hint=hint)


def _bad_value(error: click.BadParameter, see: str) -> Problem:
    option = error.param
    message = f"{_called(option)}: {_lower(error.message)}"
    if option is not None and isinstance(option.type, click.Choice):
        choices = [str(choice) for choice in option.type.choices]
        near = difflib.get_close_matches(error.message.split("'")[1], choices, n=1)
        return Problem(message=message, hint=f"did you mean {near[0]}?" if near else see)
    return Problem(message=message, hint=see)


def _typed() -> str:
    """The command as it was typed, for complaints that come without their context."""
    return " ".join(["envbuild", *(word for word in sys.argv[1:2] if not word.startswith("-"))])


def _called(option: click.Parameter | None) -> str:
    """The longest name of an option, an argument's placeholder."""
    if option is None:
        return "a value"
    if isinstance(option, click.Argument):
        return option.make_metavar(click.Context(click.Command("envbuild")))
    return max(option.opts, key=len)


def _lower(text: str) -> str:
    """Without a capital letter and a full stop: a message is not a sentence of its own."""
    return (text[:1].lower() + text[1:]).rstrip(".")
