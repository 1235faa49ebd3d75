"""Searches images, folders and text for words that must not be there."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from builder.engine.api import Engine

PIECE = 8 * 1024**2
Found = dict[str, set[str]]  # where, which words


class Search:
    """A search for words: `found` grows with what is searched; `files` counts."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = {word: word.encode() for word in words}
        self.longest = max(map(len, self.words.values()))
        self.found: Found = {}
        self.files = 0

    def text(self, place: str, content: bytes) -> None:
        """Search some bytes."""
        self._note(place, {word for word, raw in self.words.items() if raw in content})

    def folder(self, top: Path) -> None:
        """Search all files below a folder, and their names."""
        for path in sorted(top.rglob("*")):
            self.text(str(path.relative_to(top)), str(path.relative_to(top)).encode())
            if path.is_file():
                self.files += 1
                self.text(str(path.relative_to(top)), path.read_bytes())

    def layers(self, folder: Path) -> None:
        """Search the layers in a folder, each a tar."""
        for path in sorted(folder.iterdir()):
            with path.open("rb") as content:
                self._part(path.name, content)

    def image(self, engine: Engine, image: str, scratch: Path) -> None:
        """Search the image as the engine hands it to anybody: every layer and the configuration."""
        path = scratch / "image.tar"
        with path.open("wb") as file:
            file.writelines(engine.read_layers(image))
        try:
            with tarfile.open(path) as saved:
                for name, content in _files(saved):
                    self._part(name, content)
        finally:
            path.unlink()

    def _part(self, name: str, content: IO[bytes]) -> None:
        """One file of the saved image: a layer, or something about the image."""
        try:
            layer = tarfile.open(fileobj=content)  # noqa: SIM115  # a layer may be compressed
        except tarfile.ReadError:
            content.seek(0)
            self.text(name, content.read())
            return
        with layer:
            for member in layer:
                self._member(name, layer, member)

    def _member(self, layer: str, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        about = (member.name, member.linkname, member.uname, member.gname, json.dumps(member.pax_headers))
        self.text(f"{layer}: {member.name} (about it)", "\n".join(about).encode(errors="surrogateescape"))
        content = archive.extractfile(member) if member.isfile() else None
        if content is None:
            return
        self.files += 1
        place = f"{layer}: {member.name}"
        self._stream(place, content)
        if member.name.endswith(".gz"):
            content.seek(0)
            with suppress(gzip.BadGzipFile):  # so are test inputs of other packages called
                self._stream(f"{place} (unpacked)", io.BytesIO(gzip.decompress(content.read())))

    def _stream(self, place: str, content: IO[bytes]) -> None:
        """Search piece by piece; a word may lie across two."""
        before = b""
        while piece := content.read(PIECE):
            self.text(place, before + piece)
            before = piece[-self.longest :]

    def _note(self, place: str, words: set[str]) -> None:
        if words:
            self.found.setdefault(place, set()).update(words)


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Files of an archive, one after another."""
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is not None:
            yield member.name, content
