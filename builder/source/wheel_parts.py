"""Single files out of a wheel that stays where it is: its zip directory and the file are read in parts."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from builder.errors import OutsideError
from builder.source.reader import Reader
from builder.source.scrub import shown

TAIL = 1 << 16  # bytes; the end of a zip file, and for small wheels the whole directory
MOST = 4 * 1024**2  # bytes of one file


class _Remote(io.RawIOBase):
    """A file on a server as zipfile wants one. Its tail is read first and kept."""

    def __init__(self, reader: Reader, url: str) -> None:
        super().__init__()
        end = reader.part(url, f"-{TAIL}")
        self._reader, self._url, self._at = reader, url, 0
        self._size, self._tail = end.size or 0, end.content

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Bytes from here on, at most as many as fit."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        into_tail = self._at - (self._size - len(self._tail))
        if into_tail >= 0:
            found = self._tail[into_tail : into_tail + wanted]
        else:
            found = self._reader.part(self._url, f"{self._at}-{self._at + wanted - 1}").content[:wanted]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def metadata(reader: Reader, url: str, *, own_file: bool) -> bytes:
    """The METADATA of the wheel at `url`: from its own file where the index has one, else out of the wheel.

    Raises `OutsideError`.
    """
    if own_file:
        answer = reader.read(f"{url}.metadata", {})
        if answer.status == 200:
            return answer.content
    return member(reader, url, ".dist-info/METADATA")


def member(reader: Reader, url: str, ending: str) -> bytes:
    """The first file of the wheel at `url` whose path ends so. Raises `OutsideError`."""
    try:
        with io.BufferedReader(_opened(reader, url), TAIL) as file, zipfile.ZipFile(file) as wheel:
            for entry in wheel.infolist():
                if entry.filename.endswith(ending) and entry.file_size <= MOST:
                    return wheel.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise OutsideError.of(f"{shown(url)} cannot be read as a wheel: {error}") from error
    raise OutsideError.of(f"{shown(url)} has no {ending}")


def _opened(reader: Reader, url: str) -> io.RawIOBase:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return _Remote(reader, url)
    try:
        return io.FileIO(Path(url2pathname(parts.path)))
    except OSError as error:
        raise OutsideError.of(f"{shown(url)} cannot be read: {error.strerror}") from error
