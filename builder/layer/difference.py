"""Which paths differ between two layers, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.layer.headers import raw
from builder.layer.reading import entries
from builder.layer.values import Entry, Layer

What = Literal["presence", "kind", "mode", "owner", "time", "target", "capability", "size", "content"]
_WIDTH = 80  # characters of a line that is shown
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which a path differs; `why` in a few words, the first layer before the other."""

    path: str
    what: What
    why: str


def differences(one: Layer | Path, other: Layer | Path) -> tuple[Difference, ...]:
    """All differences, in the order of the paths; none means that the layers hold the same."""
    here, there = _paths(one), _paths(other)
    names = sorted(here.keys() | there.keys(), key=raw)
    return tuple(found for name in names for found in _of(name, here.get(name), there.get(name)))


def _paths(layer: Layer | Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries(layer if isinstance(layer, Path) else layer.path)}


def _of(path: str, one: Entry | None, other: Entry | None) -> Iterator[Difference]:
    """The differences of one path."""
    if one is None or other is None:
        entry, which = (one, "first") if one else (other, "second")
        assert entry  # noqa: S101 - a name comes from one of the two
        yield Difference(path=path, what="presence", why=f"{entry.kind}, only in the {which}")
        return
    if one.kind != other.kind:
        yield Difference(path=path, what="kind", why=f"{one.kind} and {other.kind}")
        return
    yield from (Difference(path=path, what=what, why=why) for what, why in _attributes(one, other))
    if one.kind == "file":
        yield from (Difference(path=path, what=what, why=why) for what, why in _contents(one, other))


def _attributes(one: Entry, other: Entry) -> Iterator[tuple[What, str]]:
    if one.mode != other.mode:
        yield "mode", f"{one.mode:04o} and {other.mode:04o}"
    if (one.uid, one.gid) != (other.uid, other.gid):
        yield "owner", f"{one.uid}:{one.gid} and {other.uid}:{other.gid}"
    if one.mtime != other.mtime:
        yield "time", f"{one.mtime} and {other.mtime}"
    if one.target != other.target:
        yield "target", f"{one.target} and {other.target}"
    if one.capability != other.capability:
        yield "capability", f"{one.capability.hex() or 'none'} and {other.capability.hex() or 'none'}"


def _contents(one: Entry, other: Entry) -> Iterator[tuple[What, str]]:
    """Size and content, read until the first byte that differs."""
    if one.size != other.size:
        yield "size", f"{one.size} and {other.size} bytes"
    offset, line = 0, 1
    begin = b""
    left, right = _pieces(one), _pieces(other)
    while True:
        mine, theirs = next(left, b""), next(right, b"")
        begin = begin or mine[:8]
        if mine != theirs:
            at = _first(mine, theirs)
            line += mine[:at].count(b"\n")
            yield "content", _told(one.path, begin, offset + at, _lines(mine, theirs, at, line))
            return
        if not mine:
            return
        offset, line = offset + len(mine), line + mine.count(b"\n")


def _pieces(entry: Entry) -> Iterator[bytes]:
    return entry.content() if entry.content else iter(())


def _first(mine: bytes, theirs: bytes) -> int:
    """The index of the first byte that differs, or the shorter one's length."""
    low, high = 0, min(len(mine), len(theirs))
    while low < high:
        middle = (low + high + 1) // 2
        if mine[low:middle] == theirs[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _told(path: str, begin: bytes, offset: int, lines: str) -> str:
    """What differs, in the words for this kind of file."""
    if path.endswith(".pyc"):
        return f"byte code differs, first at byte {offset}"
    packed = next((name for magic, name in _PACKED.items() if begin.startswith(magic)), None)
    if packed:
        return f"packed content ({packed}) differs, first at byte {offset}"
    return f"first differs at byte {offset}{lines}"


def _lines(mine: bytes, theirs: bytes, at: int, number: int) -> str:
    """The lines of that place, where they are text."""
    shown = [_line(piece, at) for piece in (mine, theirs)]
    if None in shown:
        return ""
    return f", line {number}: {shown[0]!r} and {shown[1]!r}"


def _line(piece: bytes, at: int) -> str | None:
    """The line around an index, cut short before and after it; None for what is not text."""
    begin = max(piece.rfind(b"\n", 0, at) + 1, at - _WIDTH // 2)
    end = piece.find(b"\n", at)
    text = piece[begin : min(len(piece) if end < 0 else end, begin + _WIDTH)].decode("utf-8", "replace")
    return text if text.replace("\t", " ").isprintable() and text.count("\ufffd") <= 2 else None
