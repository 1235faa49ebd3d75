"""Folders for work in progress on the cache's own disk, which has room for layers; /tmp may lie in memory."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """An empty folder below `root`, gone at the end; what killed processes left there goes first."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # or a new folder would pass for a forgotten one until it is held
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix="work-", dir=root))
        held = _hold(folder)
    with held:
        try:
            inner = folder / "files"
            inner.mkdir()
            yield inner
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _hold(folder: Path) -> IO[str]:
    """The folder's lock, held for as long as the file is open."""
    held = (folder / ".lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def _sweep(root: Path) -> None:
    """Remove folders that nobody holds any more."""
    for folder in root.glob("work-*"):
        with suppress(OSError), (folder / ".lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
