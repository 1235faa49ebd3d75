"""The verifier as one file: the modules of `inside/` in a zip that Python runs, always the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from builder.matrix import Level

FOLDER = Path(__file__).parent / "inside"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
MAIN = "__main__.py"  # at the top, the others in the package `inside`


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A check that the verifier offers: a run that has no record of it is not complete."""

    id: str
    title: str
    required: bool
    level: Level


def bundle() -> bytes:
    """A file to be run as `python verify.pyz CONFIG.json`; not compressed, without times and owners."""
    files = {f"inside/{path.name}": path.read_bytes() for path in FOLDER.glob("*.py") if path.name != MAIN}
    files[MAIN] = (FOLDER / MAIN).read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, wherever envbuild runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def bundle_digest() -> str:
    """The sha256 of `bundle()`, in hexadecimal: which verifier a verdict comes from."""
    return hashlib.sha256(bundle()).hexdigest()


def listed(level: Level) -> tuple[Listed, ...]:
    """The checks of a level in the order in which they run, as the verifier itself tells."""
    with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
        path = Path(folder) / "verify.pyz"
        path.write_bytes(bundle())
        command = [sys.executable, "-I", str(path), "--list", level]
        rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return tuple(Listed(**row) for row in rows)
