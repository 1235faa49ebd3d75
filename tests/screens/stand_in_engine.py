"""The dry engine with layers: bases can be pulled, `os` stages built and saved, byte code compiled."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from builder.engine.api import Assembled, BuildRequest, ImageFacts, LayerFile, OnProgress, RunEnd, RunRequest
from builder.engine.dry import NOTHING_RAN, DryEngine

SIZE = 1_019_000_000
CREATED = 1_700_000_000
BASES = ("debian:12", "debian:13", "ubuntu:24.04", "nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04")
PACKAGES = ("ca-certificates", "zlib1g")  # what apt would install, in every base


class Engine(DryEngine):
    """Images have a size, layers, and bytes that `save` gives back; `on_load` is asked before a load."""

    def __init__(
        self,
        *,
        on_build: Callable[[BuildRequest], None] | None = None,
        on_run: Callable[[RunRequest], RunEnd] | None = None,
        on_load: Callable[[Assembled], None] | None = None,
    ) -> None:
        super().__init__(on_build=on_build, on_run=on_run)
        self.blobs: dict[str, bytes] = {}
        self.loads: list[Assembled] = []
        self.pulled: list[str] = []
        self.compiled = 0
        self._on_load = on_load
        self._guard = threading.RLock()  # work goes on in several threads

    def find(self, reference: str) -> ImageFacts | None:
        with self._guard:
            found = super().find(reference)
        return replace(found, size=SIZE) if found else None

    def labelled(self, label: str) -> tuple[ImageFacts, ...]:
        with self._guard:
            return super().labelled(label)

    def pull(self, reference: str, platform: str, on_progress: OnProgress) -> ImageFacts:
        with self._guard:
            found = super().pull(reference, platform, on_progress)
            self.pulled.append(reference)
            name, _, wanted = reference.partition("@")
            meant = next((base for base in BASES if wanted == _sha256_of(base)), name)
            layer = self.keep(_base(meant))
            digest = f"{name.partition(':')[0]}@{_sha256_of(meant)}"
            config = {"env": (("PATH", "/bin"),), "created": CREATED}
            whole = replace(found, layers=(layer,), digests=(digest,), **config)
            self.images[found.id] = whole
        return whole

    def build(self, request: BuildRequest, on_progress: OnProgress, cancel: threading.Event) -> str:
        ident = super().build(request, on_progress, cancel)
        with self._guard:
            below = self.find(request.args["OS_IMAGE" if request.target == "image" else "BASE_IMAGE"])
            if below and not self.images[ident].layers:
                content = dict(_plain(request))["os/packages.txt"] + "".join(below.layers).encode()
                layer = self.keep(tar({f"usr/{request.target}": content}))
                self.images[ident] = replace(self.images[ident], layers=(*below.layers, layer))
        return ident

    def load(self, image: Assembled, on_progress: OnProgress, cancel: threading.Event) -> str:
        if self._on_load:
            self._on_load(image)
        with self._guard:
            self.blobs |= {layer.diff_id: layer.path.read_bytes() for layer in image.layers}
            self.loads.append(image)
            return super().load(image, on_progress, cancel)

    def save(self, image: str, skip: tuple[str, ...], folder: Path) -> tuple[LayerFile, ...]:
        super().save(image, skip, folder)
        with self._guard:
            found = self.find(image)
        assert found
        assert found.layers[: len(skip)] == skip
        files = []
        for number, layer in enumerate(found.layers[len(skip) :]):
            path = folder / f"{number}.tar"
            path.write_bytes(self.blobs[layer])
            files.append(LayerFile(diff_id=layer, size=path.stat().st_size, path=path))
        return tuple(files)

    def run(self, request: RunRequest, on_stdout: Callable[[bytes], None], cancel: threading.Event) -> RunEnd:
        if isinstance(request.stdin, Path):
            self.compiled += 1
            on_stdout(_bytecode(request))
            return NOTHING_RAN
        if b"envbuild-packages" in request.stdin:
            return replace(NOTHING_RAN, stdout=_packages())
        return super().run(request, on_stdout, cancel)

    def builds(self, target: str) -> list[BuildRequest]:
        """What was asked to be built."""
        return [r for r in self.requests if isinstance(r, BuildRequest) and r.target == target]

    def cells(self) -> list[Assembled]:
        """The images of cells that were loaded, in order; carriers' are none of these."""
        return [image for image in self.loads if b"org.envbuild.cell" in image.config]

    def keep(self, content: bytes) -> str:
        """A layer's diff_id, its bytes kept for `save`."""
        ident = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[ident] = content
        return ident

    def _add(self, what: object, reference: str | None, labels: Mapping[str, str]) -> ImageFacts:
        with self._guard:
            return super()._add(what, reference, labels)

    def _move(self, reference: str, ident: str) -> None:
        with self._guard:
            super()._move(reference, ident)

    def untag(self, reference: str) -> None:
        with self._guard:
            super().untag(reference)


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar as an engine might write it: unsorted, with a time and a user's name."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"./{path}")
            member.size, member.mtime, member.uname = len(content), CREATED + 99, "root"
            archive.addfile(member, io.BytesIO(content))
    return held.getvalue()


def _base(name: str) -> bytes:
    """The only layer of a base."""
    return tar({"etc/os-release": name.encode()})


def _sha256_of(base: str) -> str:
    """What the registry calls it."""
    return f"sha256:{_sha256(base)}"


def _plain(request: BuildRequest) -> list[tuple[str, bytes]]:
    return [(entry.path, entry.content) for entry in request.context if isinstance(entry.content, bytes)]


def _bytecode(request: RunRequest) -> bytes:
    """Compiled by the tests' own interpreter, whatever the image's is; what is sent along goes elsewhere."""
    assert isinstance(request.stdin, Path)
    with tempfile.TemporaryDirectory() as folder, request.stdin.open("rb") as stdin:
        words = [word.replace("/tmp/python", f"{folder}/python") for word in request.command]
        words[words.index("sh") + 1] = sys.executable
        return subprocess.run(words, stdin=stdin, check=True, capture_output=True).stdout


def _packages() -> bytes:
    lines = [
        f"package {name} 1.0 amd64 http://deb.example.com/{name}_1.0_amd64.deb 9 {_sha256(name)}"
        for name in PACKAGES
    ]
    date = "date Tue, 14 Nov 2023 22:13:20 UTC"
    return "\n".join(("envbuild-packages", *lines, date, "envbuild-packages-end", "")).encode()


def _sha256(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
