"""What the cache of layers holds, and what is thrown out of it when it grows too large."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from builder.layer.cache import Layers, Record

MOST_NOTES = 10_000  # of some hundred bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A layer on this machine: its name for people, bytes, when it was last used (seconds since 1970)."""

    label: str
    diff_id: str
    size: int
    last_used: float
    keys: tuple[str, ...]


def usage(layers: Layers) -> tuple[Use, ...]:
    """The layers that are here, the one that was not used for the longest time first."""
    found: dict[str, Use] = {}
    for record, last in _records(layers):
        if layers.layer(record).path.exists():
            before = found.get(record.diff_id)
            newer = before is None or before.last_used < last
            found[record.diff_id] = Use(
                label=record.label if before is None or newer else before.label,
                diff_id=record.diff_id,
                size=record.size,
                last_used=last if before is None else max(last, before.last_used),
                keys=(*(before.keys if before else ()), record.key),
            )
    return tuple(sorted(found.values(), key=lambda use: (use.last_used, use.diff_id)))


def prune(layers: Layers, keep_bytes: int, keep: frozenset[str] = frozenset()) -> int:
    """Remove what was not used for the longest time until `keep_bytes` remain; how many bytes went.

    Stays: what a living process is making or holds by `Layers.using`, and the keys in `keep`. What
    interrupted work left behind goes in any case.
    """
    freed = _sweep(layers)
    uses = usage(layers)
    total = sum(use.size for use in uses)
    for use in uses:
        if total <= keep_bytes:
            break
        if keep.isdisjoint(use.keys) and _remove(layers, use):
            total -= use.size
            freed += use.size
    return freed


def _records(layers: Layers) -> Iterator[tuple[Record, float]]:
    """All records, with the time of their last use."""
    for path in (layers.folder / "keys").glob("*.json"):
        record = layers.record(path.stem)
        try:
            if record:
                yield record, path.stat().st_mtime
        except FileNotFoundError:  # another process prunes, too
            continue


def _remove(layers: Layers, use: Use) -> bool:
    """Remove a layer and its records, unless somebody holds one of its keys, or has just made another one."""
    with ExitStack() as held:
        try:
            for key in use.keys:
                held.enter_context(layers.locked(key, wait=False))
                held.enter_context(layers.flock(f"use-{key}", fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        held.enter_context(layers.flock("blobs", fcntl.LOCK_EX))
        if {record.key for record, _ in _records(layers) if record.diff_id == use.diff_id} - set(use.keys):
            return False
        for key in use.keys:
            (layers.folder / "keys" / f"{key}.json").unlink(missing_ok=True)
        (layers.folder / "blobs" / f"{use.diff_id.removeprefix('sha256:')}.tar").unlink(missing_ok=True)
    return True


def _sweep(layers: Layers) -> int:
    """Remove what nobody will ask for; how many bytes of layers went."""
    freed = 0
    with layers.flock("blobs", fcntl.LOCK_EX):
        known = {record.diff_id for record, _ in _records(layers)}
        for blob in (layers.folder / "blobs").glob("*.tar"):
            if f"sha256:{blob.stem}" not in known:
                freed += blob.stat().st_size
                blob.unlink(missing_ok=True)
        notes = sorted((layers.folder / "notes").glob("*.json"), key=lambda path: path.stat().st_mtime)
        for note in notes[:-MOST_NOTES]:
            note.unlink(missing_ok=True)
    for folder in (layers.folder / "making").glob("*"):
        prefix, key = folder.name[:-64], folder.name[-64:]
        with suppress(BlockingIOError, ValueError), layers.locked(key, prefix, wait=False):
            pass  # who gets the lock finds the folder cleared
    return freed
