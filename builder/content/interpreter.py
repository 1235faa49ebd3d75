"""A standalone Python's archive → entries under `opt/python`, in a folder of the name that uv gives it."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import IO

from packaging.version import Version

from builder.content import build_settings
from builder.content import entries as making
from builder.content.spans import PIECE, Spans
from builder.errors import CellError
from builder.layer.values import Entry
from builder.source.api import Pin
from builder.source.standalone import ARCHIVE

ROOT = "opt/python"
TOP = "python"  # the archive's only folder
HINT = "the file is what the lock pins; another mirror of python-build-standalone may have a whole one"
# https://packaging.python.org/specifications/externally-managed-environments
MANAGED = b"[externally-managed]\nError=This Python belongs to the image. Install packages into /opt/env.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where an interpreter lies, as layers have it: `folder`, and the program in it."""

    folder: str
    python: str  # 3.11, 3.13t

    @property
    def program(self) -> str:
        """Its absolute path in the image, for `Site.interpreter`."""
        return f"/{self.folder}/bin/python{self.python}"

    @property
    def library(self) -> str:
        """The standard library."""
        return f"{self.folder}/lib/python{self.python}"


def installed(pin: Pin) -> Installed:
    """Where the interpreter of that archive goes; version, architecture and variant are in its name."""
    named = ARCHIVE.match(pin.filename)
    if not named:
        raise CellError.of(f"{pin.filename} is not named like a python-build-standalone archive", hint=HINT)
    version, free = Version(pin.version), "freethreaded" in pin.filename
    key = f"cpython-{version}{'+freethreaded' if free else ''}-linux-{named['arch']}-gnu"
    return Installed(folder=f"{ROOT}/{key}", python=f"{version.major}.{version.minor}{'t' if free else ''}")


def entries(archive: Path, pin: Pin) -> tuple[Entry, ...]:
    """The interpreter's files, links and folders, sorted. Bytes lie in a temporary file without a name until
    nobody has the entries any more.

    Left out is byte code with times in it, which are no longer those of the files. The build's settings are
    told anew (`build_settings`), and pip is told to leave this Python alone.
    """
    place = installed(pin)
    managed = making.file(f"{place.library}/EXTERNALLY-MANAGED", MANAGED)
    with tempfile.TemporaryFile() as spool:
        try:
            found = {entry.path: entry for entry in (*_Unpacking(archive, place, spool).entries(), managed)}
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise CellError.of(f"{archive.name} cannot be read: {error}", hint=HINT) from error
    if place.program.lstrip("/") not in found:
        raise CellError.of(f"there is no bin/python{place.python} in {archive.name}", hint=HINT)
    return making.with_folders(found.values())


class _Unpacking:
    """The archive on its way into `spool`."""

    def __init__(self, archive: Path, place: Installed, spool: IO[bytes]) -> None:
        self._archive, self._place, self._spool = archive, place, spool
        self._spans = Spans.sharing(spool)

    def entries(self) -> Iterator[Entry]:
        """What is in it; of a path that is in it twice, as `tar` does it, the last one counts."""
        with tarfile.open(self._archive, "r:gz") as tar:
            for member in tar:
                path = self._path(member.name)
                if path != self._place.folder and "__pycache__" not in path.split("/"):
                    yield self._entry(tar, member, path)

    def _entry(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Entry:
        if member.isdir():
            return making.folder(path)
        if member.issym():
            self._inside(normpath(join(dirname(path), member.linkname)), member.name)
            return making.symlink(path, member.linkname)
        if member.islnk():
            return self._file(path, member, target=self._path(member.linkname))
        content = tar.extractfile(member) if member.isreg() else None
        if not content:
            raise self._refused(f"{member.name} is neither file, folder nor link")
        above, _, name = path.rpartition("/")
        if name.startswith("_sysconfigdata_") and name.endswith(".py") and above == self._place.library:
            return making.file(path, build_settings.sysconfig(content.read(), f"/{self._place.folder}"))
        if name.endswith(".pc") and above.endswith("/pkgconfig"):
            return making.file(path, build_settings.pkgconfig(content.read()))
        begin = self._spool.tell()
        shutil.copyfileobj(content, self._spool, PIECE)
        return self._file(path, member, begin=begin)

    def _file(self, path: str, member: tarfile.TarInfo, *, target: str = "", begin: int = 0) -> Entry:
        return Entry(
            path=path,
            kind="hardlink" if target else "file",
            mode=0o755 if member.mode & 0o111 else 0o644,
            size=0 if target else member.size,
            mtime=making.TIME,
            target=target,
            content=None if target else partial(self._spans.pieces, begin, member.size),
        )

    def _path(self, name: str) -> str:
        top, _, rest = name.removeprefix("./").partition("/")
        if top != TOP or {".", ".."} & set(rest.split("/")) or not name.isprintable():
            raise self._refused(f"{name!r} is not a path below {TOP}/")
        return f"{self._place.folder}/{rest}".rstrip("/")

    def _inside(self, end: str, name: str) -> None:
        if end != self._place.folder and not end.startswith(f"{self._place.folder}/"):
            raise self._refused(f"{name} leads out of it")

    def _refused(self, why: str) -> Exception:
        return CellError.of(f"{self._archive.name} cannot be used: {why}", hint=HINT)
