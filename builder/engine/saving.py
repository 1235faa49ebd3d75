"""Saving an image's own layers: what the engine streams → uncompressed tars, each known by its digest.

Engines name layers in their archives by folder, by digest, or by the digest of compressed bytes; and all of
them hand out the base's, too. So no name becomes a path here: each file of the archive is hashed, and kept
when its digest is one that is wanted.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from builder.engine import images
from builder.engine.api import LayerFile
from builder.engine.refusals import failed
from builder.errors import OutsideError

if TYPE_CHECKING:
    from docker import APIClient

PIECE = 1024 * 1024
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
NAMED = "blobs/sha256/"  # since Docker 25 the name of a blob is its digest


def save(client: APIClient, image: str, skip: tuple[str, ...], folder: Path) -> tuple[LayerFile, ...]:
    """The image's layers above `skip` as files in `folder`. Raises as `Engine.save` says."""
    what = f"saving the layers of {image}"
    found = images.find(client, image)
    if found is None:
        raise OutsideError.of(f"{what} failed: no such image")
    if found.layers[: len(skip)] != skip or len(found.layers) < len(skip):
        raise OutsideError.of(f"{what} failed: it does not begin with the layers of its base")
    own = found.layers[len(skip) :]
    kept: dict[str, LayerFile] = {}
    try:
        for layer in (
            _wanted(images.read_layers(client, image), _Wanted(own, skip, folder), what) if own else ()
        ):
            kept[layer.diff_id] = layer
        lacking = [diff_id for diff_id in own if diff_id not in kept]
        if lacking:
            raise OutsideError.of(f"{what} failed: what the engine handed out has no layer {lacking[0]}")
    except BaseException:
        for layer in kept.values():
            layer.path.unlink(missing_ok=True)
        raise
    return tuple(kept[diff_id] for diff_id in own)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which layers are looked for, which surely not, and where they go."""

    own: Collection[str]
    skip: Collection[str]
    folder: Path


def _wanted(pieces: Iterator[bytes], wanted: _Wanted, what: str) -> Iterator[LayerFile]:
    try:
        with tarfile.open(fileobj=_Pieces(pieces), mode="r|", bufsize=PIECE) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or _surely_not(member.name, wanted):
                    continue
                layer = _copied(content, wanted, what)
                if layer is not None:
                    yield layer
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise failed(what, f"an archive that cannot be read, {error}") from error


def _surely_not(name: str, wanted: _Wanted) -> bool:
    digest = f"sha256:{name.removeprefix(NAMED)}"
    return name.startswith(NAMED) and digest in wanted.skip and digest not in wanted.own


def _copied(content: IO[bytes], wanted: _Wanted, what: str) -> LayerFile | None:
    """The file's uncompressed bytes in the folder, if it is a layer that is wanted."""
    unfinished = wanted.folder / ".layer.part"
    digest, size = hashlib.sha256(), 0
    try:
        with unfinished.open("wb") as file:
            for piece in _uncompressed(content, what):
                digest.update(piece)
                size += file.write(piece)
        diff_id = f"sha256:{digest.hexdigest()}"
        if diff_id not in wanted.own:
            return None
        path = wanted.folder / f"{digest.hexdigest()}.tar"
        unfinished.replace(path)
        return LayerFile(diff_id=diff_id, size=size, path=path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _uncompressed(content: IO[bytes], what: str) -> Iterator[bytes]:
    start = content.read(PIECE)
    if start.startswith(ZSTD):
        raise OutsideError.of(
            f"{what} failed: the engine keeps them compressed with zstd, which envbuild does not read",
            hint="take a base image whose layers are not compressed with zstd, or Docker's overlay2 store",
        )
    if start.startswith(GZIP):
        whole = gzip.GzipFile(fileobj=_Pieces(_pieces(start, content)))
        yield from _pieces(b"", whole)
    else:
        yield from _pieces(start, content)


def _pieces(start: bytes, content: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    piece = start or content.read(PIECE)
    while piece:
        yield piece
        piece = content.read(PIECE)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file to read from, once and forwards."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        into = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        size = min(len(into), len(self._rest))
        into[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
