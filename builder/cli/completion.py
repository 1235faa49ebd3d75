"""`envbuild completion`: what a shell needs to complete envbuild's commands, options and cells."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from builder.cli.screen import say

VARIABLE = "_ENVBUILD_COMPLETE"  # click's own name for it
SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print what SHELL (bash, zsh or fish) needs to complete commands, options, and
    the cells of the matrix that is typed. Needs bash 4.4 or newer.

    \b
    Examples:
      envbuild completion bash >> ~/.bashrc
      envbuild completion zsh >> ~/.zshrc
      envbuild completion fish > ~/.config/fish/completions/envbuild.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  click has these three
    say(kind(context.find_root().command, {}, "envbuild", VARIABLE).source().rstrip("\n"))
    return 0
