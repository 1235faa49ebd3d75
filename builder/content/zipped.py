"""A wheel's zip file: its members, looked through for what must not be there, and their bytes.

`zipfile` reads the directory. Members are read without it, because one of its file objects costs more than
the inflating of a small file, and a wheel has ten thousand of them.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder.content.spans import PIECE, Spans
from builder.errors import CellError
from builder.layer.values import Content

HEADER = 30  # bytes of a member's own header, before its name and its extra field
SLACK = 64  # bytes that the extra field of a small member may have and is still read in one go
MOST = 4 << 20  # bytes that come out of one step, whatever the file claims
ENCRYPTED = 0x1
UTF8 = 0x800
HINT = "the file is what the lock pins, so its publisher must repair it; pin another version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the zip as its directory tells."""

    name: str
    raw: bytes  # the name as both headers have it
    size: int
    packed: int
    offset: int  # of its own header
    crc: int
    deflated: bool
    executable: bool


class Zipped:
    """An open zip file: `members` by name, in the directory's order."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._spans = Spans.of(path)
        self.members = self._directory(path)

    def content(self, member: Member) -> Content:
        """What an entry calls for its bytes, which are checked against size and checksum of the directory."""
        return partial(self._pieces, member)

    def read(self, name: str) -> bytes:
        """A file as a whole; empty where there is none."""
        member = self.members.get(name)
        return b"".join(self._pieces(member)) if member else b""

    def starts_with(self, member: Member, text: bytes) -> bool:
        """Whether these are its first bytes; a program of 50 MB is not read for that."""
        begin = self._begin(member, b"")
        packed = self._spans.read(begin, min(member.packed, 4096))
        start = zlib.decompressobj(-15).decompress(packed, len(text)) if member.deflated else packed
        return start.startswith(text)

    def _directory(self, path: Path) -> dict[str, Member]:
        try:
            with zipfile.ZipFile(path) as archive:
                listed = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._refused(f"it is not a zip file: {error}") from error
        members: dict[str, Member] = {}
        for each in listed:
            if each.is_dir():
                continue
            member = self._checked(each)
            if member.name in members:
                raise self._refused(f"{member.name} is in it twice")
            members[member.name] = member
        return members

    def _checked(self, listed: zipfile.ZipInfo) -> Member:
        name, mode = listed.filename, listed.external_attr >> 16
        if listed.orig_filename != name or {"", ".", ".."} & set(name.split("/")) or not name.isprintable():
            raise self._refused(f"{listed.orig_filename!r} is not a name for a file of an environment")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise self._refused(f"{name} is neither a file nor a folder")
        if listed.flag_bits & ENCRYPTED or listed.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise self._refused(f"{name} is encrypted, or packed in another way than deflate")
        return Member(
            name=name,
            raw=name.encode("utf-8" if listed.flag_bits & UTF8 else "cp437"),
            size=listed.file_size,
            packed=listed.compress_size,
            offset=listed.header_offset,
            crc=listed.CRC,
            deflated=listed.compress_type == zipfile.ZIP_DEFLATED,
            executable=bool(mode & 0o111),
        )

    def _pieces(self, member: Member) -> Iterator[bytes]:
        got, crc = 0, 0
        for piece in self._unpacked(member):
            got, crc = got + len(piece), zlib.crc32(piece, crc)
            if got > member.size:
                break
            yield piece
        if (got, crc) != (member.size, member.crc):
            raise self._refused(f"{member.name} is damaged")

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        """The bytes that come out, at most one step more than the directory says."""
        if member.packed <= PIECE and member.size <= MOST:
            yield from self._small(member)
            return
        packed = self._spans.pieces(self._begin(member, b""), member.packed)
        yield from self._inflated(member, packed) if member.deflated else packed

    def _small(self, member: Member) -> Iterator[bytes]:
        most = HEADER + len(member.raw) + SLACK + member.packed
        read = self._spans.read(member.offset, most)
        begin = self._begin(member, read) - member.offset
        packed = read[begin : begin + member.packed]
        if len(packed) < member.packed:
            packed = self._spans.read(member.offset + begin, member.packed)
        yield from self._inflated(member, iter((packed,))) if member.deflated else (packed,)

    def _inflated(self, member: Member, packed: Iterator[bytes]) -> Iterator[bytes]:
        # One byte more than the file has: only so is its end reached in the same step.
        most = min(member.size + 1, MOST)
        machine = zlib.decompressobj(-15)
        try:
            for piece in packed:
                left = piece
                while left and not machine.eof:
                    out = machine.decompress(left, most)
                    left = machine.unconsumed_tail
                    if out:
                        yield out
            yield from _rest(machine, most)
        except zlib.error as error:
            raise self._refused(f"{member.name} is damaged: {error}") from error
        if not machine.eof:
            raise self._refused(f"{member.name} is cut off")

    def _begin(self, member: Member, read: bytes) -> int:
        """Where its bytes begin, after a header whose length only it tells. `read` was read there already."""
        wanted = HEADER + len(member.raw)
        header = read[:wanted] or self._spans.read(member.offset, wanted)
        if header[:4] != b"PK\x03\x04" or header[HEADER:] != member.raw:
            raise self._refused(f"the directory has {member.name} where something else lies")
        return member.offset + wanted + int.from_bytes(header[28:30], "little")

    def _refused(self, why: str) -> Exception:
        return CellError.of(f"{self._name} cannot be used: {why}", hint=HINT)


def _rest(machine: zlib._Decompress, most: int) -> Iterator[bytes]:
    """What is still inside when all was put in: a step of `most` bytes may have ended just before the end."""
    while not machine.eof:
        out = machine.decompress(machine.unconsumed_tail, most)
        if not out:
            return
        yield out
