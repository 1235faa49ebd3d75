"""A layer's tar, whoever wrote it, becomes entries; contents stay in the tar until they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from builder.errors import OutsideError
from builder.layer.archive import Member, members
from builder.layer.headers import MARK, plain
from builder.layer.values import Content, Entry

# The name of the whiteout that stands for all that lower layers have in its folder: `.wh..wh..opq` in a tar.
OPAQUE = ".wh..opq"
MOST_FOLDERS = 256  # one in the other
_BLOCK = 1 << 20


def entries(tar: Path) -> tuple[Entry, ...]:
    """The layer's entries in the order of the tar, without its root folder.

    An opaque folder is told by a whiteout of the name `OPAQUE` in it. Raises `OutsideError` for paths that
    lead out, for devices and pipes, and for what is no whole tar.
    """
    source = _File(tar)
    return tuple(_entries(tar, source, devices=False))


def bare_entries(tar: Path) -> Iterator[Entry]:
    """The entries of a base's layer; a device or a pipe, which bases may have, is a file without content."""
    return _entries(tar, _File(tar), devices=True)


def hides(entry: Entry) -> str | None:
    """The folder whose lower content this whiteout takes away, if it is an opaque folder's."""
    folder, _, name = entry.path.rpartition("/")
    return folder if entry.kind == "whiteout" and name == OPAQUE else None


def _entries(tar: Path, source: _File, *, devices: bool) -> Iterator[Entry]:
    for member in members(tar):
        path = _inside(member.name)
        if MARK in path and path.rpartition("/")[2].startswith(MARK):
            folder, slash, name = path.rpartition("/")
            gone = name[len(MARK) :]
            if gone == OPAQUE or not gone.startswith(MARK):  # the others are notes of AUFS for itself
                yield Entry(path=f"{folder}{slash}{gone}", kind="whiteout")
        elif path and member.kind == "device" and not devices:
            raise OutsideError.of(
                f"{path} is a device or a pipe; a layer may hold files, folders and links alone",
                hint="remove it in the step that made it",
            )
        elif path:
            yield _entry(path, member, source)


def _entry(path: str, member: Member, source: _File) -> Entry:
    content = partial(source.read, member.offset, member.size) if member.kind == "file" else None
    return Entry(
        path=path,
        kind="file" if member.kind == "device" else member.kind,
        mode=0o777 if member.kind == "symlink" else member.mode,
        uid=member.uid,
        gid=member.gid,
        size=member.size,
        mtime=member.mtime if member.mtime > 0 else 0,
        target=_inside(member.link) if member.kind == "hardlink" else _link(member),
        capability=member.capability,
        content=content,
    )


def _link(member: Member) -> str:
    return member.link if member.kind == "symlink" else ""


def _inside(name: str) -> str:
    """The path from the root, without `./`, doubled and last slashes; empty for the root itself."""
    if plain(name):
        return name
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or len(parts) > MOST_FOLDERS:
        raise OutsideError.of(
            f"a layer holds the path {name[:500]}, which leads out of it or is too deep",
            hint="do not use what holds such a layer",
        )
    return "/".join(parts)


class _File:
    """A file that stays open as long as somebody may still read from it."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        os.close(self.handle)

    def read(self, offset: int, size: int) -> Iterator[bytes]:
        """The bytes there, in pieces; fewer if the file ends before."""
        while size and (piece := os.pread(self.handle, min(size, _BLOCK), offset)):
            yield piece
            offset, size = offset + len(piece), size - len(piece)


def held(content: bytes) -> Content:
    """The content of bytes that are in memory."""
    return lambda: iter((content,) if content else ())
