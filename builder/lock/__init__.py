"""Recipes + sources → Lock: every input of a matrix's images, pinned by content."""

from __future__ import annotations

from builder.lock.changes import changes
from builder.lock.document import dumps
from builder.lock.listing import listing, unpinned
from builder.lock.making import Asked, make, settled
from builder.lock.mirroring import Mirrored, mirror
from builder.lock.reading import loads, path_for, read
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
    "settled",
    "stale",
    "system_key",
    "unpinned",
    "write",
]
