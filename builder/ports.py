"""The outside, handed to rooms as one value."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from builder.engine.api import Engine
from builder.source.api import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """One lock per name: cells that need the same thing make it once, and the second finds it made."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Hold `name` alone for as long as the block lasts."""
        with self._guard:
            lock = self._locks[name]
        with lock:
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """An engine, a source of inputs, and the event that asks everything under way to stop."""

    engine: Engine
    source: Source
    cancel: threading.Event = field(default_factory=threading.Event)
    turns: Turns = field(default_factory=Turns)
