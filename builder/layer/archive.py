"""What stands in a tar, whoever wrote it: USTAR, GNU and PAX headers become members of one shape.

The standard library's `tarfile` reads the same, but takes a damaged header for the end, and twice the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from builder.errors import EnvbuildError, OutsideError
from builder.layer.headers import BLOCK, CAPABILITY, MODULUS, checksum

MOST_MEMBERS = 2_000_000
_LONGEST_NOTE = 1 << 20  # bytes of a PAX header, or of a long name
_BUFFER = 1 << 16
_END = bytes(BLOCK)

Kind = Literal["file", "folder", "symlink", "hardlink", "device"]
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "folder",
    b"6": "device",
}
Notes = dict[str, bytes]  # PAX records; GNU's long names are told by the same keys


class Member(NamedTuple):
    """One header of a tar. Names are as they were written; the content begins at `offset`."""

    name: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: str
    capability: bytes
    offset: int


@dataclass(slots=True)
class _Reader:
    """A tar that is read from its start to its end."""

    tar: Path
    file: BinaryIO
    end: int
    place: int = 0  # of what is read next

    def members(self) -> Iterator[Member]:
        """All members, in their order."""
        always: Notes = {}
        notes: Notes = {}
        while (header := self.read(BLOCK)) != _END:
            kind = header[156:157]
            self.checked(header)
            if kind in _KINDS:
                yield self.member(header, always | notes if always else notes)
                notes = {}
            elif kind in (b"x", b"X"):
                notes |= _records(self.note(header))
            elif kind == b"g":
                always |= _records(self.note(header))
            elif kind in (b"L", b"K"):
                notes["path" if kind == b"L" else "linkpath"] = self.note(header).rstrip(b"\0")
            else:
                raise self.damaged(f"{_text(_joined(header))} has the type {kind!r}")

    def member(self, header: bytes, notes: Notes) -> Member:
        """The member of a header and of the notes before it; goes on to what comes after its content."""
        if notes and any(key.startswith("GNU.sparse.") for key in notes):
            raise self.damaged("it has a sparse file")
        name = notes.get("path") or _joined(header)
        kind = _KINDS[header[156:157]]
        mode, uid, gid, size, mtime = _numbers(header)
        if notes:
            uid, gid = int(notes.get("uid", uid)), int(notes.get("gid", gid))
            size = int(notes.get("size", size))
            mtime = _seconds(notes["mtime"]) if "mtime" in notes else mtime
        size = size if kind == "file" else 0
        offset = self.place
        if size < 0 or offset + size > self.end:
            raise self.damaged("it is cut short")
        if size:
            self.place = self.file.seek(-(-size // BLOCK) * BLOCK, 1)
        return Member(
            name=_text(name),
            kind="folder" if kind == "file" and name.endswith(b"/") else kind,
            mode=mode & 0o7777,
            uid=uid,
            gid=gid,
            size=size,
            mtime=mtime,
            link=_text(notes.get("linkpath") or header[157:257].partition(b"\0")[0]),
            capability=notes.get(CAPABILITY, b""),
            offset=offset,
        )

    def note(self, header: bytes) -> bytes:
        """The content of a header that tells about the next one."""
        size = _number(header[124:136])
        if not 0 <= size <= _LONGEST_NOTE:
            raise self.damaged(f"one of its headers says {size} bytes")
        return self.read(-(-size // BLOCK) * BLOCK)[:size]

    def read(self, size: int) -> bytes:
        """That many bytes."""
        block = self.file.read(size)
        if len(block) != size:
            raise self.damaged("it is cut short")
        self.place += size
        return block

    def checked(self, header: bytes) -> None:
        """Refuse a header whose checksum is not its own."""
        own = header[148:156]
        if (_number(own) - checksum(header) + sum(own) - 8 * ord(" ")) % MODULUS:
            raise self.damaged("a header's checksum is wrong")

    def damaged(self, why: str) -> EnvbuildError:
        """The error that says what is the matter with this tar."""
        return OutsideError.of(
            f"a layer cannot be read: {why} ({self.tar.name})",
            hint="the engine sent something else than a plain tar; try again, or another version of it",
        )


def members(tar: Path) -> Iterator[Member]:
    """What the tar's headers tell, in their order. Raises `OutsideError` for what is no whole tar."""
    with tar.open("rb", buffering=_BUFFER) as file:
        reader = _Reader(tar, file, tar.stat().st_size)
        try:
            for count, member in enumerate(reader.members()):
                if count == MOST_MEMBERS:
                    raise reader.damaged(f"it has more than {MOST_MEMBERS:,} paths")
                yield member
        except ValueError as error:
            raise reader.damaged("a header holds no number where one belongs") from error


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _joined(header: bytes) -> bytes:
    """The name of a header; GNU's holds other things where USTAR has the prefix."""
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _numbers(header: bytes) -> tuple[int, int, int, int, int]:
    """Mode, user, group, size and time."""
    fields = header[100:108], header[108:116], header[116:124], header[124:136], header[136:148]
    try:
        mode, uid, gid, size, mtime = [int(field.rstrip(b" \0"), 8) for field in fields]
    except ValueError:
        mode, uid, gid, size, mtime = [_number(field) for field in fields]
    return mode, uid, gid, size, mtime


def _number(field: bytes) -> int:
    """Octal digits, or the binary number of GNU's for what they cannot hold."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big") * (-1 if field[0] & 0x40 else 1)
    return int(field.rstrip(b" \0") or b"0", 8)


def _seconds(text: bytes) -> int:
    """Whole seconds of a PAX time such as `1700000000.25`."""
    return int(text.partition(b".")[0] or b"0")


def _records(note: bytes) -> Notes:
    """The records `LENGTH KEY=VALUE\\n` of a PAX header."""
    records: Notes = {}
    while note:
        length, space, _ = note.partition(b" ")
        end = int(length)
        key, equals, value = note[len(length) + len(space) : end - 1].partition(b"=")
        if not equals or end > len(note):
            raise ValueError(note[:80])
        records[_text(key)] = value
        note = note[end:]
    return records
