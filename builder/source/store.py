"""The content-addressed store: each file once per machine, under its sha256, never handed out unchecked."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import OutsideError
from builder.source.api import Pin

BLOCK = 1 << 20
HINT_STORE = "it needs a folder that can be written, with space left; ENVBUILD_STORE names another"

Fill = Callable[[Path], None]  # write the file's bytes there; what an earlier attempt left may be continued
OnNote = Callable[[str], None]
Stamp = tuple[int, int, int, int]  # device, inode, size, change time


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """`<root>/sha256/ab/<hash>/<file name>`.

    A file is hashed when it comes in and again when a process first hands it out (about 400 MB/s; whoever can
    write to the folder cannot slip anything in). Afterwards this process compares the inode's change time,
    which nobody can set back.
    """

    root: Path
    on_note: OnNote = lambda _: None
    seen: dict[Path, Stamp] = field(default_factory=dict)

    def find(self, pin: Pin) -> Path | None:
        """The file if it is here and whole. One that is not what its name says is thrown away."""
        path = self._path(pin)
        try:
            stamp = _stamp(path)
            if self.seen.get(path) != stamp:
                if sha256_of(path) != pin.sha256:
                    path.unlink(missing_ok=True)
                    self.on_note(f"{path} was not what its name says; it was removed and is fetched anew")
                    return None
                self.seen[path] = stamp
            os.utime(path.parent)  # used now: pruned late
        except FileNotFoundError:
            return None
        return path

    def place(self, pin: Pin, fill: Fill) -> Path:
        """The file, filled by `fill` if it is not here yet; two processes that want it at once fetch it once.

        Raises `OutsideError` when the content is not what the pin says. An interrupted `fill` leaves its part
        for the next.
        """
        with told_plainly(self.root), self._locked(pin) as folder:
            found = self.find(pin)
            if found:
                return found
            partial = folder / ".partial"
            went_on = partial.exists()
            fill(partial)
            if went_on and sha256_of(partial) != pin.sha256:
                partial.unlink()  # what was there may have been the start of another file
                fill(partial)
            _check(pin, partial)
            return self._keep(pin, partial)

    def _keep(self, pin: Pin, partial: Path) -> Path:
        path = self._path(pin)
        partial.replace(path)
        self.seen[path] = _stamp(path)
        return path

    def _path(self, pin: Pin) -> Path:
        return self.root / "sha256" / pin.sha256[:2] / pin.sha256 / pin.filename

    @contextmanager
    def _locked(self, pin: Pin) -> Iterator[Path]:
        """The pin's folder, for one holder at a time among all threads and processes."""
        folder = self._path(pin).parent
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            yield folder


def _check(pin: Pin, partial: Path) -> None:
    """Refuse and remove what is not the pinned content."""
    got = sha256_of(partial)
    if got != pin.sha256:
        partial.unlink()
        raise OutsideError.of(
            f"{pin.filename} is not the file that was pinned: sha256 {got}, expected {pin.sha256}",
            hint="somebody replaced it on the index, or something on the way changes downloads",
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`: one holder at a time among all threads and processes of this machine."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def told_plainly(root: Path) -> Iterator[None]:
    """Turn what the file system refuses (full, read-only) into an `OutsideError` that names the store."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutsideError.of(f"the store at {root} cannot be written: {reason}", hint=HINT_STORE) from error


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns
