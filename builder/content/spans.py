"""A file that is read at offsets: opened once, by as many threads as like to."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PIECE = 1 << 20  # bytes


class Spans:
    """An open file. It is closed when nobody has it any more: entries keep it for their content."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, path: Path) -> Spans:
        """The file at `path`; what is put in its place later does not matter."""
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    @classmethod
    def sharing(cls, file: IO[bytes]) -> Spans:
        """What `file` has open; that one may be closed."""
        return cls(os.dup(file.fileno()))

    def read(self, offset: int, size: int) -> bytes:
        """That many bytes, fewer at the file's end."""
        return os.pread(self._descriptor, size, offset)

    def pieces(self, offset: int, size: int) -> Iterator[bytes]:
        """The same in pieces."""
        end = offset + size
        while offset < end:
            piece = self.read(offset, min(PIECE, end - offset))
            if not piece:
                return
            offset += len(piece)
            yield piece
