"""Pieces of output → whole lines, fit to be shown."""

from __future__ import annotations

import re
from collections import deque

# A build step's output is somebody else's: escape sequences would paint over the report that shows it.
ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
LONGEST = 16 * 1024  # bytes; a "line" without an end is shown in pieces


class Lines:
    """Joins pieces to lines, and keeps the last of them for a failure's report."""

    def __init__(self, keep: int = 20) -> None:
        self.tail: deque[str] = deque(maxlen=keep)
        self._torn = b""

    def feed(self, piece: bytes) -> tuple[str, ...]:
        """The lines that `piece` completes, without newlines."""
        *whole, self._torn = (self._torn + piece).split(b"\n")
        if len(self._torn) > LONGEST:
            whole, self._torn = [*whole, self._torn], b""
        lines = tuple(clean(line) for line in whole)
        self.tail.extend(lines)
        return lines

    def rest(self) -> tuple[str, ...]:
        """What is left when no more pieces come: the last line, if it had no newline."""
        return self.feed(b"\n") if self._torn else ()


def clean(line: bytes) -> str:
    """One line as text: what a terminal would show after carriage returns, without escape sequences."""
    shown = line.decode(errors="replace").rstrip("\r").rsplit("\r", 1)[-1]
    return ESCAPES.sub("", shown)
