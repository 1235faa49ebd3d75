"""Where logs, records and rendered folders go."""

from __future__ import annotations

import tempfile
from pathlib import Path

from builder.errors import InputError
from builder.matrix import Matrix


def default(matrix: Matrix) -> Path:
    """The folder for a matrix unless told otherwise: below the current one."""
    return Path(".envbuild") / matrix.name


def writable(folder: Path, option: str = "--out") -> None:
    """Make the folder that `option` names if need be.

    Raises `InputError` where it cannot be written to: better now than late.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        message = f"{folder} cannot be written to: {error.strerror or error}"
        raise InputError.of(
            message, hint=f"name another folder with {option}, or check permissions"
        ) from error
