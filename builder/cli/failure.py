"""How a failed command ends: its problems on standard error and its exit code; a bug's traceback in a file,
not on the screen.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

from builder.errors import EnvbuildError
from builder.report import problems


def told(error: Exception) -> int:
    """Print what a user needs to know of `error`; the exit code."""
    if isinstance(error, EnvbuildError):
        print(problems.text(error.problems), file=sys.stderr)  # noqa: T201  this is the door to the screen
        return error.exit_code
    with tempfile.NamedTemporaryFile("w", prefix="envbuild-bug-", suffix=".txt", delete=False) as report:
        traceback.print_exception(error, file=report)
    summary = f"bug in envbuild: {type(error).__name__}: {error}"
    print(f"{summary}\n    hint: please report it with {Path(report.name)}", file=sys.stderr)  # noqa: T201
    return 3
