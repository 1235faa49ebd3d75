"""Standard output and standard error: fit for any locale, and written so that a closed pipe is no failure."""

from __future__ import annotations

import io
import os
import sys

from builder.errors import OutsideError


def ready() -> None:
    """Let characters that the locale cannot show be spelled out, and a closed stream swallow all."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Write lines to standard output. A reader that has gone (`| head`) has seen enough; the exit code stays.

    Raises `OutsideError` where it cannot be written for another reason, such as a full disk.
    """
    try:
        print(_fit(text), flush=True)  # noqa: T201  this is the door to the screen
    except BrokenPipeError:
        _swallow()
    except OSError as error:
        _swallow()
        message = f"standard output cannot be written: {error.strerror or error}"
        raise OutsideError.of(message, hint="check the space that is left where it goes") from error


def warn(text: str) -> None:
    """Write lines to standard error, if anybody still reads it."""
    speak(_fit(text))


def speak(text: str) -> None:
    """The same for words that are meant for the CI system itself, and are not made harmless."""
    try:
        sys.stderr.write(f"{text}\n")  # in one piece: several threads tell at once
        sys.stderr.flush()
    except OSError:
        sys.stderr = _nowhere()


def _fit(text: str) -> str:
    """What GitHub's runner takes for no command of its own."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    from builder.report.github import harmless  # noqa: PLC0415  only there is it worth its start-up time

    return harmless(text)


def _swallow() -> None:
    """The interpreter flushes standard output once more at its end, which must not fail again."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        sys.stdout = _nowhere()


def _nowhere() -> io.TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  open for as long as the program runs
