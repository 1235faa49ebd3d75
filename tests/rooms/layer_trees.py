"""Small trees for the layer tests, and tars of them in every format that an engine may send."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

from builder.layer.reading import entries, held
from builder.layer.values import Entry

OLD, EPOCH = 1_000_000_000, 1_700_000_000
CAPABILITY = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\n\x00\x00\x00\xff"  # with a NUL, a newline, no UTF-8


def file(path, content=b"content\n", **more):
    return Entry(path=path, kind="file", size=len(content), content=held(content), **{"mtime": OLD, **more})


def folder(path, **more):
    return Entry(path=path, kind="folder", **{"mode": 0o755, "mtime": OLD, **more})


def symlink(path, target, **more):
    return Entry(path=path, kind="symlink", mode=0o777, target=target, **{"mtime": OLD, **more})


def hardlink(path, target, **more):
    return Entry(path=path, kind="hardlink", target=target, **{"mtime": OLD, **more})


def gone(path):
    return Entry(path=path, kind="whiteout")


def foreign(path: Path, *members: Entry, form=tarfile.GNU_FORMAT, prefix="") -> Path:
    """A tar as others write it: in the order given, with names for users, and fractions of seconds in PAX."""
    kinds = {"file": b"0", "folder": b"5", "symlink": b"2", "hardlink": b"1", "whiteout": b"0"}
    with tarfile.open(path, "w", format=form) as tar:
        for entry in members:
            head, _, tail = entry.path.rpartition("/")
            name = entry.path if entry.kind != "whiteout" else f"{head}/.wh.{tail}".lstrip("/")
            member = tarfile.TarInfo(prefix + name)
            member.type, member.mode, member.size = kinds[entry.kind], entry.mode, entry.size
            member.uid, member.gid, member.linkname = entry.uid, entry.gid, entry.target
            member.uname, member.gname = "root", "wheel"
            member.mtime = entry.mtime + (0.25 if form == tarfile.PAX_FORMAT else 0)
            if entry.capability:
                text = entry.capability.decode("utf-8", "surrogateescape")
                member.pax_headers["SCHILY.xattr.security.capability"] = text
            tar.addfile(member, io.BytesIO(content(entry)))
    return path


def content(entry: Entry) -> bytes:
    return b"".join(entry.content()) if entry.content else b""


def seen(tar_or_entries):
    """Entries by their path, with bytes for contents, so that they compare."""
    listed = entries(tar_or_entries) if isinstance(tar_or_entries, Path) else tar_or_entries
    return {entry.path: replace(entry, content=content(entry)) for entry in listed}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
