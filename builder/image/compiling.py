"""Sources + an image with their Python → byte code, compiled in a confined container of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.content import bytecode
from builder.content.site import Site
from builder.engine.api import RunEnd, RunRequest
from builder.errors import CellError
from builder.layer.values import Entry
from builder.ports import Ports

TIMEOUT = 3600.0  # seconds: emulated architectures are slow
MOST = 4 * 1024**3  # bytes of byte code


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where compiling happens: an image, and a folder of this machine for what goes in and comes out.

    `interpreter` are the entries of a standalone Python, where the image does not have the one of `site`.
    """

    image: str
    scratch: Path
    site: Site
    interpreter: tuple[Entry, ...] = ()


def compiled(sources: Sequence[Entry], workshop: Workshop, ports: Ports) -> tuple[Entry, ...]:
    """The byte code of the sources, with its folders. Raises `CellError` where the Python does not work."""
    if not any(source.size for source in sources):
        return ()  # empty modules, as NVIDIA's wheels have them: nothing is gained
    asked = bytecode.request(sources, workshop.site, workshop.scratch / "sources", workshop.interpreter)
    output = workshop.scratch / "bytecode"
    request = RunRequest(
        image=workshop.image,
        command=asked.command,
        stdin=asked.stdin,
        user="0:0",
        tmpfs=asked.tmpfs + (16 << 20),
        timeout=TIMEOUT,
        stdout_limit=MOST,
        keep_stdout=False,
    )
    with output.open("wb") as sink:
        end = ports.engine.run(request, lambda piece: _put(sink, piece), ports.cancel)
    _check(end)
    return bytecode.compiled(output, asked).entries


def _check(end: RunEnd) -> None:
    if end.exit_code or end.timed_out or end.out_of_memory:
        said = end.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"exit code {end.exit_code}"
        raise CellError.of(
            f"byte code cannot be compiled in the image: {why}",
            hint="the Python of the base does not run; try another base or `python: {provider: …}`",
        )


def _put(sink: IO[bytes], piece: bytes) -> None:
    sink.write(piece)
