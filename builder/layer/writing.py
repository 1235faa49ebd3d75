"""Entries become a canonical layer: the same entries are the same bytes, in whatever order they come."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from builder.errors import OutsideError
from builder.layer.headers import BLOCK, MARK, Header, blocks, padding, plain, raw
from builder.layer.values import Entry, Layer

LARGEST_TIME = 8**11 - 1  # what a header holds
_TYPES = {"file": b"0", "folder": b"5", "symlink": b"2", "hardlink": b"1", "whiteout": b"0"}
_MODES = {"symlink": 0o777, "whiteout": 0}  # where permissions mean nothing
_BATCH = 1 << 20  # bytes that are written and hashed at once
_AHEAD = 8  # pieces that are written and not hashed yet


def write(entries: Iterable[Entry], folder: Path, *, clamp: int | None = None) -> Layer:
    """Write the entries, in the order of their paths' bytes, to `<folder>/<sha256>.tar`.

    Times later than `clamp` become it. Memory holds the entries and one piece of content. Raises `ValueError`
    for entries that cannot stand in one layer (a path that is absolute, leads out or is there twice; a hard
    link to what is not a file of the layer), and `OutsideError` when content is not as long as was said, or
    the disk refuses. Then nothing is left behind.
    """
    ordered = sorted(((_name(entry), entry) for entry in entries), key=lambda named: named[0])
    _check(entry for _, entry in ordered)
    files = {entry.path: entry for _, entry in ordered if entry.kind == "file"}
    with _Sink.into(folder) as sink:
        for name, entry in ordered:
            meant = _meant(entry, files) if entry.kind == "hardlink" else entry
            sink.put(blocks(_header(name, entry, meant, clamp)))
            if entry.kind == "file":
                _content(entry, sink)
        sink.put(bytes(2 * BLOCK))
        return sink.keep()


def with_parents(entries: Iterable[Entry], mtime: int, skip: frozenset[str] = frozenset()) -> Iterator[Entry]:
    """The entries, and a folder (root's, 0755) for every parent that is not among them, nor in `skip`."""
    listed = tuple(entries)
    known = {entry.path for entry in listed if entry.kind != "whiteout"} | skip | {""}
    yield from listed
    for entry in listed:
        folder = entry.path.rpartition("/")[0]
        while folder not in known:
            known.add(folder)
            yield Entry(path=folder, kind="folder", mode=0o755, mtime=mtime)
            folder = folder.rpartition("/")[0]


def _name(entry: Entry) -> bytes:
    """The path as it stands in the tar, but for a folder's last slash."""
    if entry.kind != "whiteout":
        return raw(entry.path)
    folder, slash, name = entry.path.rpartition("/")
    return raw(f"{folder}{slash}{MARK}{name}")


def _check(entries: Iterable[Entry]) -> None:
    """Refuse what cannot stand in one layer."""
    seen: set[str] = set()
    for entry in entries:
        path = entry.path
        if "\0" in path or not (plain(path) or {"", ".", ".."}.isdisjoint(path.split("/"))):
            raise ValueError(f"not a path for a layer: {entry.path!r}")
        if MARK in path and entry.kind != "whiteout" and path.rpartition("/")[2].startswith(MARK):
            raise ValueError(f"engines would take it for a whiteout: {entry.path!r}")
        if entry.path in seen:
            raise ValueError(f"twice in one layer: {entry.path!r}")
        if entry.mtime < 0 or entry.mtime > LARGEST_TIME:
            raise ValueError(f"no time for a layer: {entry.mtime} of {entry.path!r}")
        seen.add(entry.path)


def _meant(entry: Entry, files: dict[str, Entry]) -> Entry:
    """The file that a hard link means; it must stand before it, or engines cannot unpack the link."""
    meant = files.get(entry.target)
    if meant is None or raw(meant.path) > raw(entry.path):
        raise ValueError(f"hard link {entry.path!r} means {entry.target!r}, no file before it")
    return meant


def _header(name: bytes, entry: Entry, meant: Entry, clamp: int | None) -> Header:
    """The entry's header. A hard link repeats its file's attributes, for engines set them once more."""
    mtime = meant.mtime
    return Header(
        name=name + b"/" if entry.kind == "folder" else name,
        type=_TYPES[entry.kind],
        mode=_MODES.get(entry.kind, meant.mode & 0o7777),
        uid=meant.uid,
        gid=meant.gid,
        size=entry.size if entry.kind == "file" else 0,
        mtime=mtime if clamp is None else min(mtime, clamp),
        link=raw(entry.target) if entry.kind in ("symlink", "hardlink") else b"",
        capability=meant.capability if entry.kind != "whiteout" else b"",
    )


def _content(entry: Entry, sink: _Sink) -> None:
    """The file's bytes and the zeros after them."""
    left = entry.size
    for piece in entry.content() if entry.content else ():
        left -= len(piece)
        if left < 0:
            break
        sink.put(piece)
    if left:
        than = "longer" if left < 0 else "shorter"
        raise OutsideError.of(
            f"{entry.path}: its content is {than} than the {entry.size} bytes that were announced",
            hint="the file changed while it was read, or what holds it is damaged",
        )
    sink.put(padding(entry.size))


class _Sink:
    """A file that is hashed while it is written, in large pieces, by a thread beside this one."""

    def __init__(self, file: IO[bytes], temporary: Path, beside: Executor) -> None:
        self.file = file
        self.beside = beside
        self.hashing: deque[Future[None]] = deque()
        self.temporary = temporary
        self.folder = temporary.parent
        self.digest = hashlib.sha256()
        self.size = 0
        self.waiting: list[bytes] = []
        self.held = 0

    @classmethod
    @contextmanager
    def into(cls, folder: Path) -> Iterator[_Sink]:
        """A sink into a file of `folder` that goes again unless it is kept."""
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-", suffix=".tar")
        try:
            with os.fdopen(handle, "wb", buffering=0) as file, ThreadPoolExecutor(1) as beside:
                yield cls(file, Path(temporary), beside)
        finally:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()

    def put(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.waiting.append(piece)
        self.held += len(piece)
        if self.held >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write and hash what waits."""
        piece = self.waiting[0] if len(self.waiting) == 1 else b"".join(self.waiting)
        self.waiting, self.held = [], 0
        self.size += len(piece)
        self.hashing.append(self.beside.submit(self.digest.update, piece))
        if len(self.hashing) > _AHEAD:
            self.hashing.popleft().result()
        with _told(self.folder):
            view = memoryview(piece)
            while view:
                view = view[self.file.write(view) :]

    def keep(self) -> Layer:
        """End the file and give it its name."""
        self.flush()
        for piece in self.hashing:
            piece.result()
        path = self.folder / f"{self.digest.hexdigest()}.tar"
        with _told(self.folder):
            self.temporary.replace(path)
        return Layer(diff_id=f"sha256:{self.digest.hexdigest()}", size=self.size, path=path)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses (full, read-only) into an `OutsideError` that names the folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutsideError.of(
            f"no layer can be written to {folder}: {reason}", hint="free some space there"
        ) from error
