"""What a layer is made of, and what it is once made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["file", "folder", "symlink", "hardlink", "whiteout"]
Content = Callable[[], Iterator[bytes]]  # the file's bytes in pieces; asked once, when the layer is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of a layer.

    `path` has neither a leading `/` nor `./` nor a trailing `/`. `mode` holds the permission bits (with
    setuid, setgid and sticky). `target` is a symbolic link's text, or the path that a hard link means. A
    whiteout's path is that of what it removes. `mtime` is in seconds since 1970.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0  # bytes of `content`
    mtime: int = 0
    target: str = ""
    capability: bytes = b""  # the extended attribute `security.capability`; no other is kept
    content: Content | None = None  # files only


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A canonical layer on this machine: an uncompressed tar, known by its sha256 (`diff_id`, `sha256:…`)."""

    diff_id: str
    size: int  # bytes of the tar
    path: Path
