"""argv in, one pipeline call, report out. Commands are imported when they are called, so that `--help`
stays fast.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

import click

from builder import __version__
from builder.cli.lazy import LazyGroup
from builder.cli.signals import listen

COMMANDS = {
    "doctor": "Look at this machine, and tell which PyTorch suits it.",
    "init": "Write a matrix for this machine.",
    "plan": "Show which cells of a matrix can be built, and why others cannot.",
    "explain": "Tell why a cell is as it is, or what a rule means.",
    "lock": "Pin everything that the images are made of, by content.",
    "fetch": "Copy everything that a lock names into a folder.",
    "render": "Write the Dockerfiles and what they need.",
    "build": "Build the images.",
    "verify": "Prove images: train, save, load and quantize in their containers.",
    "up": "Plan, build and verify: the main job in one word.",
    "report": "Write what is known of the cells as one page.",
    "publish": "Send what was proven to a registry.",
    "show": "Read a published image's papers back and check them.",
    "pull-check": "Pull published images and prove them here.",
    "reproduce": "Make the images twice from nothing and compare them.",
    "facts": "Show, check and refresh the tables that say what fits together.",
    "completion": "Print what a shell needs to complete commands and cells.",
    "cache": "Show what is kept on this machine, or make room.",
}

EPILOG = """\b
Results go to standard output, everything else to standard error.

\b
Exit codes:
  0    done
  1    a cell failed, or was not verified and nobody allowed that by name
  2    the input is wrong
  3    a bug in envbuild
  4    the outside failed: engine, registry, network
  5    nothing selected
  130  interrupted
"""


@click.group(
    cls=LazyGroup,
    commands_help=COMMANDS,
    epilog=EPILOG,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="envbuild")
@click.pass_context
def envbuild(context: click.Context) -> None:
    """From a YAML matrix of OS, Python, CUDA and PyTorch to images that were
    proven to work. A cell is one combination of the four.

    \b
    Examples:
      envbuild plan matrices/quickstart.yaml    needs no engine and no network
      envbuild up matrices/quickstart.yaml      one proven image
      envbuild COMMAND --help                   each command, with examples
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


def main() -> NoReturn:
    """Run the command line; every ending is an exit code and, when it is not 0, a message on standard
    error.
    """
    from builder.cli.screen import ready  # noqa: PLC0415  not before a run: a test's own streams stay as they are

    listen()
    ready()
    try:
        code = envbuild.main(standalone_mode=False, prog_name="envbuild")
    except (click.Abort, KeyboardInterrupt):
        code = _interrupted()
    except Exception as error:  # noqa: BLE001  the last net: a user must never meet a traceback
        from builder.cli.failure import told  # noqa: PLC0415

        code = told(error)
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> int:
    """Say so. After a second Ctrl-C cells are still at work, and the interpreter would wait for them."""
    from builder.cli.screen import warn  # noqa: PLC0415

    if any(thread.name.startswith("cell") for thread in threading.enumerate()):
        warn("interrupted twice, left at once; the next envbuild removes what still runs in the engine")
        os._exit(130)
    warn("interrupted")
    return 130
