"""How a failed command ends: its problems on standard error and its exit code; a bug's traceback in a file,
not on the screen.
"""

from __future__ import annotations

import sys
import tempfile
import traceback

import click

from builder.cli import ci, usage
from builder.cli.screen import warn
from builder.errors import EnvbuildError, InputError, OutsideError, Problem
from builder.report import problems
from builder.report.look import look


def told(error: Exception) -> int:
    """Print what a user needs to know of `error`; the exit code."""
    known = _known(error)
    if known is not None:
        warn(problems.text(known.problems, look(sys.stderr)))
        ci.problems(known.problems)
        return known.exit_code
    message = f"bug in envbuild: {type(error).__name__}: {error}"
    problem = Problem(message=message, hint=f"please report it with {_kept(error)}")
    warn(problems.text((problem,), look(sys.stderr)))
    return 3


def _known(error: Exception) -> EnvbuildError | None:
    """The error in envbuild's own form; None for a bug."""
    if isinstance(error, EnvbuildError):
        return error
    if isinstance(error, click.ClickException):
        return InputError((usage.problem(error),))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        hint = "check the path, its permissions and the space that is left"
        return OutsideError((Problem(message=f"{where}{error.strerror or error}", hint=hint),))
    return None


def _kept(error: Exception) -> str:
    """The file that holds the traceback, or the words for one that could not be written."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="envbuild-bug-", suffix=".txt", delete=False) as report:
            traceback.print_exception(error, file=report)
    except OSError:
        return "the command that you ran"
    return report.name
