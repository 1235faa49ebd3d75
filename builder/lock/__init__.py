"""Recipes + sources → Lock: every input of a matrix's images, pinned by content."""

from __future__ import annotations

from builder.lock.changes import changes
from builder.lock.document import dumps, sealed
from builder.lock.listing import listing, unpinned
from builder.lock.making import Asked, asks_engine, attempt, make, settled, together
from builder.lock.mirroring import Mirrored, mirror
from builder.lock.reading import loads, path_for, read, versions
from builder.lock.staleness import checksum, missing, stale
from builder.lock.values import CANONICAL, SCHEMA, Lock, LockedBase, LockedCell, LockedSystem, system_key
from builder.lock.writing import write

__all__ = [
    "CANONICAL",
    "SCHEMA",
    "Asked",
    "Lock",
    "LockedBase",
    "LockedCell",
    "LockedSystem",
    "Mirrored",
    "asks_engine",
    "attempt",
    "changes",
    "checksum",
    "dumps",
    "listing",
    "loads",
    "make",
    "mirror",
    "missing",
    "path_for",
    "read",
    "sealed",
    "settled",
    "stale",
    "system_key",
    "together",
    "unpinned",
    "versions",
    "write",
]
