"""RECORD: which files a distribution installed, for pip to remove and importlib.metadata to list them."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping
from posixpath import relpath

from builder.errors import CellError

Row = tuple[str, str]  # hash and size as text, both may be empty


def read(content: bytes, wheel: str) -> dict[str, Row]:
    """Path → row, as the wheel has them."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        return {path: (digest, size) for path, digest, size in (row for row in rows if row)}
    except (ValueError, csv.Error) as error:
        raise CellError.of(
            f"{wheel} cannot be used: its RECORD cannot be read: {error}", hint="pin another version"
        ) from error


def written(rows: Mapping[str, Row], packages: str) -> bytes:
    """The installed one: the paths of `rows` are those of a layer, and become relative to `packages`."""
    named = sorted((_relative(path, packages), *row) for path, row in rows.items())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(named)
    return text.getvalue().encode()


def row(content: bytes) -> Row:
    """The row of a file that was made here."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", str(len(content))


def _relative(path: str, packages: str) -> str:
    inside = path.startswith(packages + "/")
    return path[len(packages) + 1 :] if inside else relpath(path, packages)
