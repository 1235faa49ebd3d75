"""Entries of a carrier: one time for all of them, and every folder named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from builder.layer.values import Entry
from builder.layer.writing import with_parents

TIME = 946684800  # 2000-01-01: a carrier does not change with its lock's epoch


def file(path: str, content: bytes, *, executable: bool = False) -> Entry:
    """A small file whose bytes are at hand."""
    mode = 0o755 if executable else 0o644
    return Entry(
        path=path, kind="file", mode=mode, size=len(content), mtime=TIME, content=partial(_whole, content)
    )


def folder(path: str) -> Entry:
    """A folder that everybody may enter."""
    return Entry(path=path, kind="folder", mode=0o755, mtime=TIME)


def symlink(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path=path, kind="symlink", mode=0o777, mtime=TIME, target=target)


def with_folders(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries and all folders above them, sorted by the bytes of their paths."""
    return tuple(sorted(with_parents(entries, TIME), key=lambda entry: entry.path.encode()))


def _whole(content: bytes) -> Iterator[bytes]:
    yield content
