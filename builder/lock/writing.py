"""Lock → its file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from builder import files
from builder.errors import OutsideError
from builder.lock.document import dumps
from builder.lock.values import Lock


def write(lock: Lock, path: Path) -> bool:
    """Write the lock so that a reader sees the old file or the new one; False where nothing changed."""
    text = dumps(lock)
    try:
        if path.is_file() and path.read_text() == text:
            return False
        files.write(path, text.encode())
    except OSError as error:
        raise OutsideError.of(
            f"{path} cannot be written: {error.strerror or error}",
            hint="check the folder's permissions and the space that is left",
        ) from error
    return True
