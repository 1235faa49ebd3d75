"""What the store of fetched files holds, and what is thrown out of it when it grows too large."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file in the store: its name, bytes, when it was last used (seconds since 1970)."""

    label: str
    size: int
    last_used: float
    lock: Path  # held by who brings it here
    paths: tuple[Path, ...]


def usage(root: Path) -> tuple[Fetched, ...]:
    """The files that are here, the one that was not used for the longest time first."""
    return tuple(sorted(_files(root), key=lambda one: (one.last_used, one.label)))


def prune(root: Path, keep_bytes: int) -> int:
    """Remove what was not used for the longest time until `keep_bytes` remain; how many bytes went.

    A file that a process is just fetching stays. Who needs a removed one fetches it again.
    """
    files = usage(root)
    total, freed = sum(one.size for one in files), 0
    for one in files:
        if total - freed <= keep_bytes:
            break
        with suppress(OSError), one.lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in one.paths:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            freed += one.size
    return freed


def _files(root: Path) -> Iterator[Fetched]:
    for folder in (root / "sha256").glob("??/*"):
        with suppress(OSError):  # another process prunes, too
            found = [path for path in folder.iterdir() if path.name != ".lock"]
            last = folder.stat().st_mtime
            size = sum(path.stat().st_size for path in found)
            label = ", ".join(path.name for path in found)
            yield Fetched(label=label, size=size, last_used=last, lock=folder / ".lock", paths=(folder,))
    for told in (root / "bootstrap").glob("*.sha256"):
        with suppress(OSError):
            tar = told.with_suffix(".tar")
            about = tar.stat()
            # As a layer it has a second name, and its bytes are counted there.
            size = about.st_size if about.st_nlink == 1 else 0
            last, lock = told.stat().st_mtime, tar.with_suffix(".lock")
            yield Fetched(label=tar.name, size=size, last_used=last, lock=lock, paths=(tar, told))
