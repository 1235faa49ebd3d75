"""Build context entries → a tar stream, piece by piece: wheels have gigabytes and never lie in memory."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from builder.engine.api import Entry
from builder.errors import InterruptedByUserError

PIECE = 1024 * 1024
# One fixed time: contexts that are equal are equal bytes. Not 0, for zip knows nothing before 1980.
MTIME = 315532800


def size_of(entry: Entry) -> int:
    """Bytes of an entry's content."""
    return entry.content.stat().st_size if isinstance(entry.content, Path) else len(entry.content)


def stream(entries: tuple[Entry, ...], cancel: threading.Event) -> Iterator[bytes]:
    """A GNU-format tar with folders, sorted by path. Raises `InterruptedByUserError` when `cancel` is set.

    Not PAX: BuildKit recognises a context by its first bytes and takes a PAX header for no tar at all.
    """
    for folder in sorted(
        {str(parent) for entry in entries for parent in PurePosixPath(entry.path).parents} - {"."}
    ):
        yield _header(folder, 0, 0o755, tarfile.DIRTYPE)
    for entry in sorted(entries, key=lambda entry: entry.path):
        size = size_of(entry)
        yield _header(entry.path, size, entry.mode, tarfile.REGTYPE)
        for piece in _pieces(entry.content, size):
            if cancel.is_set():
                raise InterruptedByUserError.of("interrupted")
            yield piece
        yield b"\0" * (-size % tarfile.BLOCKSIZE)
    yield b"\0" * tarfile.RECORDSIZE


def _header(path: str, size: int, mode: int, kind: bytes) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode, entry.type, entry.mtime = size, mode, kind, MTIME
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _pieces(content: bytes | Path, size: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    left = size
    with content.open("rb") as file:
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise OSError(f"{content} became shorter while it was sent")
            left -= len(piece)
            yield piece
