"""Wheels → entries: what pip and uv make of them, straight from the zip files.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/ says what that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.content import entries as making
from builder.content import recording, scripts
from builder.content.site import Site
from builder.content.zipped import Member, Zipped
from builder.errors import CellError
from builder.layer.values import Entry
from builder.source.api import Pin

HINT = "it does not follow the wheel format; pin another version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a carrier holds, and what somebody should know about it."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """One file: `row` for RECORD, `mark` to compare it with another wheel's file of that path."""

    entry: Entry
    row: recording.Row
    mark: object


def contents(wheels: Sequence[tuple[Pin, Path]], site: Site) -> Contents:
    """Everything that `wheels` install, with all folders, sorted by path; bytes are read when asked for.

    Of two files with one path, that of the wheel with the later name stays; a note tells when they differ.
    Raises `CellError` for a wheel that is damaged, or reaches out of the environment.
    """
    placed: dict[str, tuple[str, _Placed]] = {}
    notes = []
    for pin, path in sorted(wheels, key=lambda wheel: wheel[0].name):
        for at, file in _Wheel(pin, path, site).placed().items():
            before = placed.get(at)
            if before and before[1].mark != file.mark:
                notes.append(f"both {before[0]} and {pin.name} bring {at}; it is {pin.name}'s")
            placed[at] = (pin.name, file)
    found = making.with_folders(file.entry for _, file in placed.values())
    _refuse_files_as_folders(found, placed)
    return Contents(entries=found, notes=tuple(notes))


def _refuse_files_as_folders(found: Sequence[Entry], placed: dict[str, tuple[str, _Placed]]) -> None:
    for entry in found:
        above = entry.path.rpartition("/")[0]
        if above in placed:
            raise CellError.of(
                f"{placed[above][0]} brings {above} as a file, and {placed[entry.path][0]} files below it",
                hint="these two cannot be installed together",
            )


class _Wheel:
    """One wheel on its way into `site`."""

    def __init__(self, pin: Pin, path: Path, site: Site) -> None:
        self._pin, self._site = pin, site
        self._zip = Zipped(path)
        self._facts = self._metadata_folder()
        self._scripts = scripts.made(
            self._zip.read(f"{self._facts}/entry_points.txt"), site.command, pin.filename
        )

    def placed(self) -> dict[str, _Placed]:
        """Its files by their path in the layer."""
        listed = recording.read(self._zip.read(f"{self._facts}/RECORD"), self._pin.filename)
        found = dict(self._members(listed))
        found.update(self._programs())  # as with pip, an entry point wins over a script of its name
        path = f"{self._site.packages}/{self._facts}/RECORD"
        rows = {at: file.row for at, file in found.items() if not _is_signature(at, path)} | {path: ("", "")}
        content = recording.written(rows, self._site.packages)
        found[path] = _made(path, content, executable=False)
        return found

    def _members(self, listed: dict[str, recording.Row]) -> Iterator[tuple[str, _Placed]]:
        for name, member in self._zip.members.items():
            top, _, rest = name.partition("/")
            if not top.endswith(".data") or not rest:
                path = f"{self._site.packages}/{name}"
                yield path, self._file(path, member, listed, executable=member.executable)
                continue
            scheme, _, below = rest.partition("/")
            path = f"{self._folder(scheme, name)}/{below}"
            yield path, self._by_scheme(path, member, listed, scheme)

    def _by_scheme(self, path: str, member: Member, listed: dict[str, recording.Row], scheme: str) -> _Placed:
        script = scheme == "scripts"
        if script and self._zip.starts_with(member, scripts.MARK):
            content = scripts.redirected(self._zip.read(member.name), self._site.command)
            return _made(path, content, executable=True)
        return self._file(path, member, listed, executable=script or member.executable)

    def _file(
        self, path: str, member: Member, listed: dict[str, recording.Row], *, executable: bool
    ) -> _Placed:
        mode = 0o755 if executable else 0o644
        entry = Entry(
            path=path,
            kind="file",
            mode=mode,
            size=member.size,
            mtime=making.TIME,
            content=self._zip.content(member),
        )
        mark = (member.crc, member.size, mode)
        return _Placed(entry=entry, row=listed.get(member.name, ("", "")), mark=mark)

    def _programs(self) -> Iterator[tuple[str, _Placed]]:
        for name, content in self._scripts.items():
            path = f"{self._site.scripts}/{name}"
            yield path, _made(path, content, executable=True)

    def _folder(self, scheme: str, name: str) -> str:
        folders = {
            "purelib": self._site.packages,
            "platlib": self._site.packages,
            "scripts": self._site.scripts,
            "headers": self._site.headers(self._pin.name),
            "data": self._site.root,
        }
        if scheme not in folders or name.count("/") < 2:
            raise CellError.of(f"{self._pin.filename} cannot be used: {name} has no place to go", hint=HINT)
        return folders[scheme]

    def _metadata_folder(self) -> str:
        """`NAME-VERSION.dist-info`, the only one at the top."""
        tops = {name.partition("/")[0] for name in self._zip.members}
        found = sorted(top for top in tops if top.endswith(".dist-info"))
        if len(found) != 1 or canonicalize_name(found[0].partition("-")[0]) != self._pin.name:
            named = ", ".join(found) or "nothing"
            raise CellError.of(
                f"{self._pin.filename} cannot be used: {named} is not the metadata of {self._pin.name}",
                hint=HINT,
            )
        version = self._zip.read(f"{found[0]}/WHEEL").partition(b"Wheel-Version:")[2].split(b".")[0].strip()
        if version != b"1":
            raise CellError.of(
                f"{self._pin.filename} cannot be used: it is not a wheel of format 1", hint=HINT
            )
        return found[0]


def _made(path: str, content: bytes, *, executable: bool) -> _Placed:
    row = recording.row(content)
    return _Placed(entry=making.file(path, content, executable=executable), row=row, mark=(*row, executable))


def _is_signature(path: str, record: str) -> bool:
    """Files that sign RECORD cannot be listed in it."""
    return path in (record, f"{record}.jws", f"{record}.p7s")
