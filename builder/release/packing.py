"""A layer's tar → the blob that a registry keeps, packed by a packer whose output is known by its version.

What was packed before is known by a note in the layer cache; it is packed again only where a registry lacks
it.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from builder.engine.api import LAYER, LayerFile
from builder.errors import OutsideError
from builder.layer.cache import Layers
from builder.layer.keys import key_of
from builder.registry.api import Blob

BLOCK = 1 << 20
LEVELS = {"zstd": 3, "gzip": 6}

Packer = Literal["zstd", "gzip"]
OnPacked = Callable[[int, int], None]  # bytes of the tar so far, bytes in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A layer as a registry keeps it."""

    diff_id: str
    media_type: str
    blob: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """Packs into `folder`. `go_on` is called again and again, and may raise."""

    packer: Packer
    layers: Layers
    folder: Path
    go_on: Callable[[], None]

    def packed(self, layer: LayerFile, on_packed: OnPacked) -> Packed:
        """The blob of a layer; its bytes are made when they are asked for, or where its digest is unknown."""
        key = key_of("packed", self._version, layer.diff_id)
        known = self.layers.recall(key)
        if known is None:
            digest, size = self._pack(layer, on_packed)
            self.layers.remember(key, {"digest": digest, "size": size})
        else:
            digest, size = str(known["digest"]), int(known["size"])
        return self.known(layer, digest, size)

    def known(self, layer: LayerFile, digest: str, size: int) -> Packed:
        """The blob of a layer that is known to be packed so."""
        blob = Blob(digest=digest, size=size, open=partial(self._open, layer, digest))
        return Packed(diff_id=layer.diff_id, media_type=self.media_type, blob=blob)

    def _open(self, layer: LayerFile, digest: str) -> BinaryIO:
        path = self._path(layer)
        if not path.exists():
            found, _ = self._pack(layer, lambda *_: None)
            if found != digest:
                raise OutsideError.of(
                    f"{layer.path} was packed to other bytes than before",
                    hint="`envbuild cache prune --keep 0` forgets what was packed",
                )
        return path.open("rb")

    def _pack(self, layer: LayerFile, on_packed: OnPacked) -> tuple[str, int]:
        """Digest and size of the packed layer, which lies in the folder then, whole or not at all."""
        path = self._path(layer)
        partial_path = path.with_suffix(".partial")
        with partial_path.open("wb") as file, layer.path.open("rb") as tar:
            sink = _Hashed(file)
            with self._writer(sink, layer.size) as writer:
                while block := tar.read(BLOCK):
                    self.go_on()
                    writer.write(block)
                    on_packed(tar.tell(), layer.size)
        partial_path.replace(path)
        return f"sha256:{sink.digest.hexdigest()}", sink.size

    def _path(self, layer: LayerFile) -> Path:
        return self.folder / f"{layer.diff_id.removeprefix('sha256:')}.{self.packer}"

    def _writer(self, sink: _Hashed, size: int) -> BinaryIO:
        """No name and no time in the header; the number of zstd's threads decides its bytes."""
        if self.packer == "gzip":
            return gzip.GzipFile("", "wb", LEVELS["gzip"], fileobj=sink, mtime=0)  # type: ignore[return-value]
        import zstandard  # noqa: PLC0415

        machine = zstandard.ZstdCompressor(level=LEVELS["zstd"], threads=2, write_checksum=True)
        return machine.stream_writer(sink, size=size, closefd=False)  # type: ignore[arg-type]

    @property
    def media_type(self) -> str:
        """Of the layers that are packed here."""
        return f"{LAYER}+{self.packer}"

    @property
    def _version(self) -> str:
        """What decides the packed bytes, beside the tar."""
        if self.packer == "gzip":
            return f"gzip {zlib.ZLIB_RUNTIME_VERSION} {LEVELS['gzip']}"
        import zstandard  # noqa: PLC0415

        return f"zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))} {LEVELS['zstd']}"


class _Hashed:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, block: bytes) -> int:
        self.digest.update(block)
        self.size += len(block)
        return self._file.write(block)

    def flush(self) -> None:
        self._file.flush()
