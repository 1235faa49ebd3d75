"""What images weigh: in the engine's store, and in a registry that had nothing of them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bake.engine import Engine

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Bytes that are there, and bytes of bases + OS packages + one environment."""

    bytes: int
    ideal: int


Layers = tuple[tuple[str, int], ...]  # (digest, bytes) of one image, from the lowest on


def ideal(images: Sequence[Layers], lowest: Sequence[int]) -> int:
    """Every base once, what lies above each base once, and what lies below it of the first image alone.

    `lowest` tells for each image at which of its layers the base begins. That is envbuild's order (the
    environment below the base); for other images it is the sum of all layers.
    """
    wanted: dict[str, int] = {}
    for number, (layers, begin) in enumerate(zip(images, lowest, strict=True)):
        wanted |= dict(layers if number == 0 else layers[begin:])
    return sum(wanted.values())


def in_engine(engine: Engine, images: Sequence[str], bases: Sequence[str]) -> Weight:
    """Of an engine that has these images, these bases and nothing else. The ideal is of unpacked layers."""
    layers = [_layers(engine, image) for image in images]
    return Weight(bytes=engine.stored(), ideal=ideal(layers, _lowest(engine, images, bases)))


def _lowest(engine: Engine, images: Sequence[str], bases: Sequence[str]) -> list[int]:
    """Where in each image a base begins, by content: a store may send the same layer in two forms."""
    grounds = {layer for base in bases for layer in _content(engine, base)}
    return [
        next(place for place, layer in enumerate(_content(engine, image)) if layer in grounds)
        for image in images
    ]


def _content(engine: Engine, name: str) -> list[str]:
    found: list[str] = engine.client.images.get(name).attrs["RootFS"]["Layers"]
    return found


def _layers(engine: Engine, name: str) -> Layers:
    """Its layers by the digest of their content, with the sizes that the engine tells in its history."""
    digests = _content(engine, name)
    sizes = [step["Size"] for step in reversed(engine.client.api.history(name))]
    steps = sizes if len(sizes) == len(digests) else [size for size in sizes if size]
    if len(steps) != len(digests):
        raise SystemExit(f"{name} has {len(digests)} layers, and {len(steps)} of its steps have a size")
    return tuple(zip(digests, steps, strict=True))


def in_registry(engine: Engine, images: Sequence[str], bases: Sequence[str]) -> Weight:
    """Of a new registry that all of them, and the bases, were pushed to: the bytes that it was sent."""
    with _registry(engine.folder) as (address, folder):
        for base in bases:
            _pushed(engine, base, address)
        layers = [_pushed(engine, image, address) for image in images]
        blobs = sum(path.stat().st_size for path in folder.glob("docker/registry/v2/blobs/sha256/*/*/data"))
    return Weight(bytes=blobs, ideal=ideal(layers, _lowest(engine, images, bases)))


def _pushed(engine: Engine, name: str, address: str) -> Layers:
    """Push an image; the layers that its manifest names."""
    path, tag = name.removeprefix("localhost/").rsplit(":", 1)
    engine.client.images.get(name).tag(f"{address}/{path}", tag)
    for line in engine.client.api.push(f"{address}/{path}", tag=tag, stream=True, decode=True):
        if "error" in line:
            raise SystemExit(f"{name} cannot be pushed: {line['error']}")
    manifest = _asked(f"http://{address}/v2/{path}/manifests/{tag}")
    return tuple((layer["digest"], layer["size"]) for layer in manifest["layers"])


def _asked(url: str) -> Any:
    """A manifest; of an index, its first platform's."""
    accept = (*MANIFESTS, "application/vnd.oci.image.index.v1+json")
    request = urllib.request.Request(url, headers={"Accept": ", ".join(accept)})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
        body = json.load(answer)
    return (
        _asked(f"{url.rsplit('/', 1)[0]}/{body['manifests'][0]['digest']}") if "manifests" in body else body
    )


@contextmanager
def _registry(folder: Path) -> Iterator[tuple[str, Path]]:
    """Debian's docker-registry on a free port, and the folder that it keeps things in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = folder / f"registry-{port}"
    place.mkdir()
    (place / "config.yml").write_text(CONFIG.format(folder=place, port=port))
    command = ["docker-registry", "serve", place / "config.yml"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            yield f"127.0.0.1:{port}", place
        finally:
            server.terminate()


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("docker-registry does not answer; it is in Debian's package of that name")
