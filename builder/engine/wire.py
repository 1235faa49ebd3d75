"""Protobuf bytes → what BuildKit says about a build. A reader for one message, not a protobuf runtime.

Field numbers are those of `StatusResponse` in moby/buildkit, api/services/control/control.proto. They have
not changed since the message exists, and unknown fields are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One step of the build graph, told again each time that something about it changes."""

    digest: str
    name: str
    cached: bool
    started: bool
    completed: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Something countable inside a step: a download, an extraction. Bytes, 0 where unknown."""

    name: str
    vertex: str
    current: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Output of a step; lines may be torn between two of these."""

    vertex: str
    msg: bytes


def read(raw: bytes) -> tuple[Vertex | Status | Log, ...]:
    """A `StatusResponse`: vertexes, statuses and logs in their order. Raises ValueError when it is none."""
    readers: dict[int, Callable[[int | bytes], Vertex | Status | Log]] = {1: _vertex, 2: _status, 3: _log}
    return tuple(readers[number](value) for number, value in _fields(raw) if number in readers)


def _vertex(value: int | bytes) -> Vertex:
    found = _last(value)
    return Vertex(
        digest=_text(found.get(1)),
        name=_text(found.get(3)),
        cached=bool(found.get(4)),
        started=5 in found,
        completed=6 in found,
        error=_text(found.get(7)),
    )


def _status(value: int | bytes) -> Status:
    found = _last(value)
    return Status(
        name=_text(found.get(3)) or _text(found.get(1)),
        vertex=_text(found.get(2)),
        current=_number(found.get(4)),
        total=_number(found.get(5)),
    )


def _log(value: int | bytes) -> Log:
    found = _last(value)
    return Log(vertex=_text(found.get(1)), msg=_bytes(found.get(4)))


def _last(value: int | bytes) -> dict[int, int | bytes]:
    return dict(_fields(_bytes(value)))


def _text(value: int | bytes | None) -> str:
    return _bytes(value).decode(errors="replace")


def _bytes(value: int | bytes | None) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes belong")
    return value or b""


def _number(value: int | bytes | None) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes where a number belongs")
    return value or 0


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        size, at = _varint(raw, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, -1), at)
        if size < 0 or at + size > len(raw):
            raise ValueError("not a protobuf message")
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("not a protobuf message")
