"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

DESCRIPTORS = ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc")  # what was opened already, whatever it is


def is_stream(path: Path) -> bool:
    """Whether that is no file to be replaced: a device, a pipe, what a process has open already."""
    return (path.exists() and not path.is_file()) or any(map(path.is_relative_to, DESCRIPTORS))


def write(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part. What a link names is
    written, and the link stays; a stream gets it as it is.
    """
    if is_stream(path):
        path.write_bytes(content)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
