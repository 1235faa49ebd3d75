"""What a program of this machine prints, within a time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from builder.yamldoc import shown

PATIENCE = 10  # seconds

Run = Callable[[list[str]], str | None]


class ProgramError(Exception):
    """A program that is there failed or hung; as text, what it said of it."""


def run(command: list[str]) -> str | None:
    """A program's standard output; None where there is no such program. Raises `ProgramError`."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError:
        return None
    try:
        out, err = (text.decode(errors="replace") for text in process.communicate(timeout=PATIENCE))
    except subprocess.TimeoutExpired:
        process.kill()  # and not waited for: one that hangs in a driver does not end
        raise ProgramError(f"it did not answer within {PATIENCE} s") from None
    if process.returncode:
        raise ProgramError(first_line(out) or first_line(err) or f"it ended with {process.returncode}")
    return out


def first_line(text: str) -> str:
    """The first line with something on it, fit to be shown."""
    return next((shown(line.strip(), 200) for line in text.splitlines() if line.strip()), "")
