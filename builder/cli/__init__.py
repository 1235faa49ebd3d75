"""argv in, one pipeline call, report out. Commands are imported when they are called, so that `--help`
stays fast.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import click

from builder import __version__
from builder.cli.lazy import LazyGroup

COMMANDS = {
    "plan": "Show every cell of a matrix: to build, impossible and why. Needs no engine and no network.",
    "render": "Write the Dockerfiles and their contexts.",
    "build": "Build the images.",
    "verify": "Prove images: train, save, load and quantize inside each container.",
    "up": "Plan, build and verify: the main job in one word.",
}

EPILOG = """\b
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
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="envbuild")
def envbuild() -> None:
    """From a YAML matrix of OS, Python, CUDA and PyTorch to images that were proven to work.

    \b
    Start with:
      envbuild plan matrices/quickstart.yaml
      envbuild up matrices/quickstart.yaml
    """


def main() -> NoReturn:
    """Run the command line; every ending is an exit code and, when it is not 0, a message on standard
    error.
    """
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = envbuild.main(standalone_mode=False, prog_name="envbuild")
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader (`| head`) has gone; nobody is left to be told
        code = 0
    except Exception as error:  # noqa: BLE001  the last net: a user must never meet a traceback
        from builder.cli.failure import told  # noqa: PLC0415

        code = told(error)
    sys.exit(code if isinstance(code, int) else 0)


def _as_interrupt(number: int, frame: object) -> NoReturn:  # noqa: ARG001  the signature of a signal handler
    """End on SIGTERM as on Ctrl-C: a CI system that gives up must not leave containers behind."""
    raise KeyboardInterrupt
