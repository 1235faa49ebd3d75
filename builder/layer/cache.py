"""The layers that were made on this machine: each once, known by what it was made from, bounded in size."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import OutsideError
from builder.layer.values import Entry, Layer
from builder.layer.writing import write

BLOCK = 1 << 20
_KEY = re.compile(r"[0-9a-f]{64}")

Stamp = tuple[int, int, int, int]  # device, inode, size, change time
OnNote = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What `keys/<key>.json` says: the layer that was made from these inputs, and its name for people."""

    key: str
    diff_id: str
    size: int
    label: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """`<root>/layers`: `blobs/<sha256>.tar`, and `keys/<key>.json` for what each was made from.

    Keys are the hexadecimal sha256 of all inputs. Threads and processes share it: one makes a key's layer
    while the others wait, under the lock `locks/<key>`, in `making/<key>`, whose remains the next holder
    removes. Who needs layers for a while holds `locks/use-<key>` with others; who adds or removes tars holds
    `locks/blobs` for that moment. A tar without a record belongs to nobody.
    """

    root: Path
    on_note: OnNote = lambda _: None
    seen: dict[Path, Stamp] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self.root / "layers"

    def find(self, key: str) -> Layer | None:
        """The layer of that key if it is here, in its size. Its content is not looked at: see `checked`."""
        record = self.record(key)
        if record is None:
            return None
        layer = self.layer(record)
        try:
            if layer.path.stat().st_size != record.size:
                self._drop(layer)
                return None
            os.utime(self._record_path(key))  # used now: pruned late
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.refused(error) from error
        return layer

    def make(
        self, key: str, label: str, entries: Callable[[], Iterable[Entry]], inputs: tuple[str, ...] = ()
    ) -> Layer:
        """The layer of that key; made of `entries()` if it is not here, by one at a time."""
        with self.locked(key):
            found = self.find(key)
            if found:
                return found
            return self._keep(key, label, inputs, write(entries(), self._making(key)))

    def adopt(self, key: str, label: str, tar: Path, diff_id: str) -> Layer | None:
        """The layer of that key; if it is not here, the tar as it is (linked where the disk allows it).

        None for a tar that is not `diff_id`: nothing is kept of it.
        """
        with self.locked(key):
            found = self.find(key)
            if found:
                return found
            with self._told():
                ours = self._making(key) / "adopted.tar"
                _link(tar, ours)
                layer = Layer(diff_id=f"sha256:{sha256_of(ours)}", size=ours.stat().st_size, path=ours)
            return self._keep(key, label, (), layer) if layer.diff_id == diff_id else None

    def checked(self, layer: Layer) -> Layer | None:
        """The layer, when its bytes are what its name says; otherwise None, and it is gone from the cache.

        A process hashes a tar once; then it compares the inode's change time, which nobody can set back.
        """
        try:
            stamp = _stamp(layer.path)
            if self.seen.get(layer.path) != stamp:
                if f"sha256:{sha256_of(layer.path)}" != layer.diff_id:
                    self._drop(layer)
                    return None
                self.seen[layer.path] = stamp
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.refused(error) from error
        return layer

    @contextmanager
    def using(self, *keys: str) -> Iterator[None]:
        """Keep pruning, by this process or another, away from these keys' layers; they may still be made."""
        with ExitStack() as held:
            for key in set(keys):
                held.enter_context(self.flock(f"use-{key}", fcntl.LOCK_SH))
            yield

    def remember(self, key: str, value: dict[str, Any]) -> None:
        """Keep a small result, as JSON, under the sha256 of what it was made from."""
        with self.locked(key, "note-"), self._told():
            _write_json(self._note_path(key), value, self._making(key, "note-"))

    def recall(self, key: str) -> dict[str, Any] | None:
        """What was remembered under that key, or None."""
        return self._read_json(self._note_path(key))

    def record(self, key: str) -> Record | None:
        """What is written of that key's layer, which may be gone all the same."""
        said = self._read_json(self._record_path(key))
        try:
            return Record(**{**said, "key": key, "inputs": tuple(said["inputs"])}) if said else None
        except (KeyError, TypeError):
            return None

    def layer(self, record: Record) -> Layer:
        """The layer that a record means."""
        path = self.folder / "blobs" / f"{record.diff_id.removeprefix('sha256:')}.tar"
        return Layer(diff_id=record.diff_id, size=record.size, path=path)

    @contextmanager
    def locked(self, key: str, prefix: str = "", *, wait: bool = True) -> Iterator[None]:
        """Hold a key alone, with a fresh folder to make things in; `BlockingIOError` if it must not wait."""
        folder = self._making(key, prefix)
        with self.flock(prefix + key, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
            with self._told():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
            try:
                yield
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def flock(self, name: str, how: int) -> Iterator[None]:
        """Hold one of the cache's locks, alone or with others (`fcntl`'s words)."""
        path = self.folder / "locks" / name
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("w")
        with lock:
            fcntl.flock(lock, how)
            yield

    def refused(self, error: OSError) -> Exception:
        """What the file system did, as an error that names the cache."""
        return OutsideError.of(
            f"the layer cache at {self.folder} cannot be used: {error.strerror or error}",
            hint="free some space there (`envbuild cache prune`), or name another folder in ENVBUILD_STORE",
        )

    def _keep(self, key: str, label: str, inputs: tuple[str, ...], layer: Layer) -> Layer:
        """Write the record, then give the tar its place."""
        record = Record(key=key, diff_id=layer.diff_id, size=layer.size, label=label, inputs=inputs)
        kept = self.layer(record)
        said = {"diff_id": layer.diff_id, "size": layer.size, "label": label, "inputs": list(inputs)}
        with self.flock("blobs", fcntl.LOCK_SH), self._told():
            _write_json(self._record_path(key), said, self._making(key))
            kept.path.parent.mkdir(parents=True, exist_ok=True)
            layer.path.replace(kept.path)
            self.seen[kept.path] = _stamp(kept.path)
        return kept

    def _drop(self, layer: Layer) -> None:
        """Remove a tar that is not what its name says, and say whose it was."""
        records = (self.record(path.stem) for path in (self.folder / "keys").glob("*.json"))
        labels = sorted({record.label for record in records if record and record.diff_id == layer.diff_id})
        layer.path.unlink(missing_ok=True)
        self.on_note(
            f"the cached layer of {', '.join(labels) or layer.diff_id} was not what envbuild had written; "
            f"it was removed and is made anew ({layer.path})"
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.refused(error) from error

    def _making(self, key: str, prefix: str = "") -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of the layer cache: {key!r}")
        return self.folder / "making" / f"{prefix}{key}"

    def _record_path(self, key: str) -> Path:
        return self.folder / "keys" / f"{key}.json"

    def _note_path(self, key: str) -> Path:
        return self.folder / "notes" / f"{key}.json"

    def _read_json(self, path: Path) -> dict[str, Any] | None:
        """The object in a file; None where there is none, or no object."""
        try:
            said = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise self.refused(error) from error
        return said if isinstance(said, dict) else None


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _link(tar: Path, ours: Path) -> None:
    """The same file under another name; a copy where the two are on different disks."""
    try:
        os.link(tar, ours)
    except OSError:
        shutil.copyfile(tar, ours)


def _write_json(path: Path, value: dict[str, Any], making: Path) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = making / "value.json"
    whole.write_text(json.dumps(value, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    whole.replace(path)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns
