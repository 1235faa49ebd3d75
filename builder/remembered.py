"""Answers of the outside, kept for an hour on this machine: the next plan need not ask again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from builder import files, plainjson

FRESH = 3600.0  # seconds
NAME = "remembered.json"


@dataclass(slots=True)
class Remembered:
    """Notes by key in one file. What it cannot read or write it does without."""

    path: Path
    now: Callable[[], float] = time.time
    _notes: dict[str, tuple[float, str]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Read what is fresh."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            for key, (when, note) in plainjson.loads(self.path.read_bytes()).items():
                if 0 <= self.now() - when < FRESH:
                    self._notes[key] = float(when), str(note)

    def note(self, key: str, ask: Callable[[], str | None]) -> str | None:
        """The note of that key: remembered, or asked now. What is not there, or was not answered, is
        asked again the next time.
        """
        known = self._notes.get(key)
        if known is not None:
            minutes = round((self.now() - known[0]) / 60)
            return f"{known[1]} (asked {minutes} min ago)" if minutes else known[1]
        told = ask()
        if told is not None:
            with self._guard:
                self._notes[key] = self.now(), told
        return told

    def keep(self) -> None:
        """Write it down for the next run."""
        with self._guard, suppress(OSError):
            files.write(self.path, json.dumps(self._notes).encode())
