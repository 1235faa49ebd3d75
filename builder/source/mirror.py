"""A folder that holds everything a lock names, for machines without a network: filled by `envbuild fetch`,
read by `Source.fetch`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from builder.source.api import Pin
from builder.source.store import sha256_of

LAYER = "layer.tar"  # of a base image, uncompressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """`<root>/sha256/ab/<hash>/<file name>`, as in the store; a base image's layers are files as well.

    Whoever takes a file from here checks its sha256. Without a `root` there is nothing in it.
    """

    root: Path | None

    def address(self, pin: Pin) -> str | None:
        """The `file://` address of a pin's file, if it is here."""
        path = self._path(pin.sha256, pin.filename)
        return path.as_uri() if path is not None and path.is_file() else None

    def layer(self, sha256: str) -> Path | None:
        """A base image's layer, if it is here."""
        path = self._path(sha256, LAYER)
        return path if path is not None and path.is_file() else None

    def keep(self, file: Path, sha256: str, name: str = LAYER) -> bool:
        """Copy a file to its place here, whole or not at all; False where it lies there already."""
        path = self._path(sha256, name)
        if path is None:
            raise ValueError("a mirror without a folder keeps nothing")
        if path.is_file() and sha256_of(path) == sha256:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".")
        os.close(handle)
        try:
            shutil.copyfile(file, partial)
            Path(partial).chmod(0o644)
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)
        return True

    def _path(self, sha256: str, name: str) -> Path | None:
        return self.root / "sha256" / sha256[:2] / sha256 / name if self.root else None
