"""A standalone Python that a container unpacks itself: a base image may have neither Python nor tar.

Only `sh`, `mkdir`, `head` and `chmod` are asked for. The modules go as one zip, from which Python imports;
`os.py`, by which Python knows its library, and what is loaded as machine code are files.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from builder.layer.values import Entry

PLACE = "/tmp/python"  # noqa: S108  # in the container
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo"}

UNPACK = f"""\
set -e; umask 022; mkdir {PLACE}; cd {PLACE}
while read -r mode size path && [ "$mode" != end ]; do
    case "$path" in */*) [ -d "${{path%/*}}" ] || mkdir -p "${{path%/*}}" ;; esac
    head -c "$size" > "$path"
    [ "$mode" = 644 ] || chmod "$mode" "$path"
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What will be unpacked: its program, and how many bytes it takes."""

    program: str
    size: int


def write(entries: Sequence[Entry], program: str, sink: IO[bytes]) -> Bare:
    """Write the interpreter `program` (`/opt/python/…/bin/python3.11`) as `UNPACK` reads it."""
    root, _, name = program.lstrip("/").rpartition("/bin/")
    library = f"lib/{name}/"
    found = {entry.path.removeprefix(f"{root}/"): entry for entry in entries}
    size = 0
    for path, entry in found.items():
        if entry.kind == "file" and (path == f"{library}os.py" or _is_machine_code(path, library)):
            size += _put(sink, "644", path, _bytes(entry))
    size += _put(sink, "755", f"bin/{name}", _bytes(_resolved(found, f"bin/{name}")))
    size += _put(sink, "644", f"lib/{name.replace('.', '')}.zip", _library(found, library))
    sink.write(b"end 0 -\n")
    return Bare(program=f"{PLACE}/bin/{name}", size=size)


def _is_machine_code(path: str, library: str) -> bool:
    """Extension modules, and the libraries beside the interpreter."""
    beside = path.startswith("lib/") and path.count("/") == 1
    return ".so" in path and (beside or path.startswith(f"{library}lib-dynload/"))


def _resolved(found: Mapping[str, Entry], path: str) -> Entry:
    """A free-threaded Python's program may be a link to another name in the same folder."""
    entry = found[path]
    return found[f"bin/{entry.target}"] if entry.kind == "symlink" else entry


def _library(found: Mapping[str, Entry], library: str) -> bytes:
    """Its modules as a zip that is not compressed: not every bare Python can inflate."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(found):
            if path.startswith(library) and path.endswith(".py") and not LEFT_OUT & set(path.split("/")):
                entry = zipfile.ZipInfo(path.removeprefix(library), LONG_AGO)
                archive.writestr(entry, _bytes(found[path]))
    return buffer.getvalue()


def _put(sink: IO[bytes], mode: str, path: str, content: bytes) -> int:
    sink.write(f"{mode} {len(content)} {path}\n".encode())
    sink.write(content)
    return len(content)


def _bytes(entry: Entry) -> bytes:
    return b"".join(entry.content()) if entry.content else b""
