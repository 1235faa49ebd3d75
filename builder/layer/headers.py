"""What stands before a file in a canonical layer: a USTAR header, after a PAX one only where needed."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

BLOCK = 512
CAPABILITY = "SCHILY.xattr.security.capability"
MODULUS = 65521
MARK = ".wh."  # begins the name of the file that says that the rest of its name is not there any more

# name, mode, uid, gid, size, mtime, checksum, type, linkname, magic, version, uname, gname, device, prefix
_FIELDS = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s16s155s12s")
_NO_DEVICE = b"0000000\0" * 2
_LONGEST_NAME, _LONGEST_PREFIX = 100, 155
_LARGEST_ID, _LARGEST_SIZE = 8**7 - 1, 8**11 - 1
_PAX_NAME = b"././@PaxHeader"


class Header(NamedTuple):
    """What one header tells. `name` and `link` as they stand in the tar; a folder's name ends with `/`."""

    name: bytes
    type: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: bytes = b""
    capability: bytes = b""


def raw(text: str) -> bytes:
    """The bytes of a path; those that are no UTF-8 came in as surrogates and go out as they were."""
    return text.encode("utf-8", "surrogateescape")


def plain(path: str) -> bool:
    """Whether a look is enough to see that no part of a path is empty, `.` or `..`, as for most."""
    odd = path[:1] in ("", ".", "/") or path[-1:] == "/" or "//" in path or "/." in path
    return not odd and len(path) < 500


def blocks(header: Header) -> bytes:
    """The header as it stands in the tar: 512 bytes, and a PAX header before it where one is needed."""
    split = _split(header.name) if header.name.isascii() else None
    records = _records(header, fits=split is not None)
    name, prefix = split or (_shortened(header.name), b"")
    size = header.size if header.size <= _LARGEST_SIZE else 0
    ustar = _ustar(header, name, prefix, size)
    return _pax(records) + ustar if records else ustar


def checksum(header: bytes) -> int:
    """The sum of the bytes, modulo 65521: of ASCII, which is all that stands in ours, the sum itself.

    Adler-32's lower half is this plus one, at a tenth of what adding in Python costs.
    """
    return ((zlib.adler32(header) & 0xFFFF) - 1) % MODULUS


def padding(size: int) -> bytes:
    """The zeros that follow a content of that size."""
    return bytes(-size % BLOCK)


def _records(header: Header, *, fits: bool) -> bytes:
    """What USTAR's fields cannot hold, as PAX records, in the order of their names."""
    records = []
    if header.capability:
        records.append(_record(CAPABILITY, header.capability))
    if header.gid > _LARGEST_ID:
        records.append(_record("gid", b"%d" % header.gid))
    if len(header.link) > _LONGEST_NAME or not header.link.isascii():
        records.append(_record("linkpath", header.link))
    if not fits:
        records.append(_record("path", header.name))
    if header.size > _LARGEST_SIZE:
        records.append(_record("size", b"%d" % header.size))
    if header.uid > _LARGEST_ID:
        records.append(_record("uid", b"%d" % header.uid))
    return b"".join(records)


def _record(key: str, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE\\n`, where the length counts its own digits."""
    rest = b" %s=%s\n" % (key.encode(), value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


def _pax(records: bytes) -> bytes:
    header = Header(name=_PAX_NAME, type=b"x", mode=0, uid=0, gid=0, size=len(records), mtime=0)
    return _ustar(header, _PAX_NAME, b"", len(records)) + records + padding(len(records))


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Name and prefix, split as late as the name's field needs; None where no split makes both fit."""
    if len(name) <= _LONGEST_NAME:
        return name, b""
    cut = name.find(b"/", len(name) - _LONGEST_NAME - 1)
    if not 0 < cut <= _LONGEST_PREFIX or cut + 1 == len(name):
        return None
    return name[cut + 1 :], name[:cut]


def _shortened(text: bytes) -> bytes:
    """What readers that know no PAX see of a path: the start, with `?` for what is not ASCII."""
    return text[:_LONGEST_NAME].decode("ascii", "replace").replace("\ufffd", "?").encode()


def _ustar(header: Header, name: bytes, prefix: bytes, size: int) -> bytes:
    fields = (
        name,
        b"%07o" % header.mode,
        b"%07o" % (header.uid if header.uid <= _LARGEST_ID else 0),
        b"%07o" % (header.gid if header.gid <= _LARGEST_ID else 0),
        b"%011o" % size,
        b"%011o" % header.mtime,
        b"        ",  # the checksum is made as if its own field held blanks
        header.type,
        header.link if header.link.isascii() else _shortened(header.link),
        b"ustar",
        b"00",
        b"",
        b"",
        _NO_DEVICE,
        prefix,
        b"",
    )
    packed = _FIELDS.pack(*fields)
    return b"%b%06o\0 %b" % (packed[:148], checksum(packed), packed[156:])
