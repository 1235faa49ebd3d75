"""Sources → byte code: what is sent to a container that has the cell's Python, and what comes back.

Sent, after a standalone interpreter where there is one (`unpacking`):

    TIME\\n COUNT\\n                   of all files, for Python 3.6; how many there are
    PATH-LENGTH SIZE\\n PATH BYTES     one after the other
    end\\n

What comes back, in the same order:

    envbuild-bytecode TAG\\n           as in x.cpython-311.pyc
    SIZE\\n BYTES                      or a negative number: why there is none
    end COUNT SHA256\\n                over all of these
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from builder.content import entries as making
from builder.content import unpacking
from builder.content.site import Site
from builder.content.spans import Spans
from builder.errors import CellError
from builder.layer.values import Content, Entry

SCRIPT = Path(__file__).with_name("compile_script.py")
WHY = {
    -1: "cannot be compiled",
    -2: "has a set whose order changes",
    -3: "has constants that this Python writes differently each time",
}
TAG = re.compile(rb"envbuild-bytecode ([a-z]+-[0-9]+[a-z]*)\n")
LINE = 100  # bytes of the longest line
TESTS = {"test", "tests"}
HINT = "if it happens again, the container ran out of memory or its Python is broken"

# Nothing of the image's environment counts. The hash seed does before Python 3.11: see compile_script.
LAUNCH = 'exec env -i PYTHONHASHSEED=0 "$1" -s -S -B -W ignore -c "$2"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run, with `stdin` as its input: `command` from its first word on, without an entry point. It
    needs `tmpfs` bytes of /tmp at most.
    """

    command: tuple[str, ...]
    stdin: Path
    sources: tuple[str, ...]  # paths in the layer
    tmpfs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Byte code as a layer has it, with its folders, and how many sources have none, by reason."""

    entries: tuple[Entry, ...]
    skipped: tuple[tuple[str, int], ...]


def sources(entries: Iterable[Entry], library: str) -> tuple[Entry, ...]:
    """The modules below `library` (`Site.packages`, or an interpreter's) that can be imported by their names.

    Tests are left out: a third of the time and a quarter of the bytes with torch, for what few people run.
    """
    start = library + "/"
    return tuple(
        entry
        for entry in entries
        if entry.kind == "file" and entry.path.startswith(start) and _importable(entry.path[len(start) :])
    )


def _importable(path: str) -> bool:
    if not path.endswith(".py"):
        return False
    *folders, name = path[: -len(".py")].split("/")
    return not TESTS & set(folders) and all(part.isidentifier() for part in (*folders, name))


def request(found: Sequence[Entry], site: Site, stdin: Path, standalone: Sequence[Entry] = ()) -> Request:
    """Write what is sent for the sources `found` to `stdin`. `standalone` are all entries of the interpreter
    that `site` names, where the image has it not: then it is sent along and unpacked in /tmp.
    """
    with stdin.open("wb") as sink:
        bare = unpacking.write(standalone, site.interpreter, sink) if standalone else None
        _write_sources(found, sink)
    program, launch = (bare.program, unpacking.UNPACK + LAUNCH) if bare else (site.interpreter, LAUNCH)
    return Request(
        command=("/bin/sh", "-c", launch, "sh", program, SCRIPT.read_text(encoding="utf-8")),
        stdin=stdin,
        sources=tuple(entry.path for entry in found),
        tmpfs=(bare.size if bare else 0) + (1 << 20),
    )


def _write_sources(found: Sequence[Entry], sink: IO[bytes]) -> None:
    sink.write(b"%d\n%d\n" % (making.TIME, len(found)))
    for entry in found:
        path = f"/{entry.path}".encode()
        sink.write(b"%d %d\n" % (len(path), entry.size))
        sink.write(path)
        for piece in entry.content() if entry.content else ():
            sink.write(piece)
    sink.write(b"end\n")


def compiled(output: Path, asked: Request) -> Compiled:
    """The entries of what came back in the file `output`, from which they are read later.

    Raises `CellError` when it is not whole.
    """
    with output.open("rb") as stream:
        try:
            return _read(stream, asked)
        except ValueError as error:
            raise CellError.of(f"the byte code did not arrive whole: {error}", hint=HINT) from error


def _read(stream: IO[bytes], asked: Request) -> Compiled:
    header = TAG.fullmatch(stream.readline(LINE))
    if not header:
        raise ValueError("no answer")
    tag, spans, digest = header[1].decode(), Spans.sharing(stream), hashlib.sha256()
    most = os.fstat(stream.fileno()).st_size
    found, skipped = [], dict.fromkeys(WHY.values(), 0)
    for source in asked.sources:
        line = stream.readline(LINE)
        size, begin = int(line), stream.tell()
        if size > most or (size < 0 and size not in WHY):
            raise ValueError(f"{size} is no length")
        content = stream.read(max(size, 0))
        digest.update(line + content)
        if size < 0:
            skipped[WHY[size]] += 1
        else:
            found.append(_entry(source, tag, size, partial(spans.pieces, begin, size)))
    if stream.read() != b"end %d %s\n" % (len(asked.sources), digest.hexdigest().encode()):
        raise ValueError("the end is missing")
    told = tuple((why, count) for why, count in skipped.items() if count)
    return Compiled(entries=making.with_folders(found), skipped=told)


def _entry(source: str, tag: str, size: int, content: Content) -> Entry:
    """`x.py` → `__pycache__/x.cpython-311.pyc`."""
    above, _, name = source.rpartition("/")
    path = f"{above}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
    return Entry(path=path, kind="file", size=size, mtime=making.TIME, content=content)
