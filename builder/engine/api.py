"""The container engine as rooms see it: one Protocol and the values that cross it.

Names and bytes, no cells, no recipes.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from builder.errors import OutsideError

# Media types of the OCI image specification.
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
EPOCH = "1970-01-01T00:00:00Z"  # without a date, Podman finds no step that it has built upon the image


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who answers: versions, store, CPUs, memory in bytes, and whether it can pass GPUs on."""

    kind: Literal["docker", "podman", "dry"]
    version: str
    api: str
    endpoint: str
    store: str  # overlay2, containerd, vfs …
    arch: str  # x86_64, aarch64
    cpus: int
    memory: int
    gpus: bool
    buildkit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """An image in the engine's store. `size` in bytes; `labels` and `env` from its config; `created` by its
    config, in seconds since 1970 (0: untold).
    """

    id: str
    size: int
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()  # diff_ids from the lowest on; none while only a part of it is there
    platform: str = ""  # linux/amd64 …; empty where a list does not tell
    created: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFile:
    """An uncompressed layer: its `diff_id` (`sha256:…` over its bytes), and the tar on this machine."""

    diff_id: str
    size: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """An image that was put together on this machine: its config as JSON, and its layers from the lowest on.

    The image ID is the config's sha256. `config` and `layers` name the same diff_ids in the same order.
    `relatives` are images in the engine's store that may have some of the layers (the base): those are then
    not sent. Images with one of envbuild's own labels are looked at anyway.
    """

    config: bytes
    layers: tuple[LayerFile, ...]
    relatives: tuple[str, ...] = ()

    @classmethod
    def of_rootfs(cls, rootfs: LayerFile, platform: str, labels: Mapping[str, str]) -> Assembled:
        """An image of one layer, a whole root file system, for that platform (`linux/arm64`)."""
        os, _, architecture = platform.partition("/")
        document = {
            "architecture": architecture,
            "os": os,
            "config": {"Labels": dict(labels)},
            "created": EPOCH,
            "history": [{"created": EPOCH, "created_by": "envbuild: root file system"}],
            "rootfs": {"type": "layers", "diff_ids": [rootfs.diff_id]},
        }
        return cls(config=json.dumps(document, sort_keys=True).encode(), layers=(rootfs,))

    @property
    def id(self) -> str:
        """`sha256:…` of the config."""
        return _sha256(self.config)

    @property
    def manifest(self) -> bytes:
        """The OCI manifest with the layers as they are, uncompressed. Equal images have equal manifests."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": self.id, "size": len(self.config)},
            "layers": [
                {"mediaType": LAYER, "digest": layer.diff_id, "size": layer.size} for layer in self.layers
            ],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    @property
    def manifest_id(self) -> str:
        """`sha256:…` of the manifest, by which containerd's store knows the image."""
        return _sha256(self.manifest)


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a build context: bytes, or a file on this machine that is streamed (wheels are large)."""

    path: str
    content: bytes | Path
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One build. `context` must hold `Dockerfile`; `tag` is put on success alone. `platform` (linux/arm64) is
    the base's; empty: the engine's own.
    """

    context: tuple[Entry, ...]
    target: str | None
    args: Mapping[str, str]
    labels: Mapping[str, str]
    network: Literal["none", "host", "default"]
    tag: str | None
    platform: str = ""
    no_cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a build or pull is doing: its step's name, bytes so far and in all, or one line of output."""

    step: str
    current: int | None = None
    total: int | None = None
    line: str | None = None
    done: bool = False
    cached: bool = False  # done, and nothing had to be


@contextmanager
def under_way(step: str, on_progress: Callable[[Progress], None]) -> Iterator[None]:
    """Tell of a step, and when it is over."""
    on_progress(Progress(step=step))
    try:
        yield
    finally:
        on_progress(Progress(step=step, done=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One confined container: no network or capabilities, read-only root, bounded memory, processes, time.

    `network` and `writable` take from that what they say, and nothing else.
    """

    image: str
    command: tuple[str, ...]
    stdin: bytes | Path = b""  # a file is streamed
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    memory: int = 4 * 1024**3  # bytes
    pids: int = 512
    shm: int = 256 * 1024**2  # bytes
    tmpfs: int = 1024**3  # bytes of /tmp
    timeout: float = 600.0  # seconds
    gpus: bool = False
    mounts: tuple[tuple[str, str], ...] = ()  # (host path, container path), read-only
    entrypoint: tuple[str, ...] = ()  # empty: none, the image's own is not run
    work_dir: str | None = None
    # Bytes; who writes more is stopped, for a flood must not fill this machine's memory.
    stdout_limit: int = 64 * 1024**2
    keep_stdout: bool = True  # whether `RunEnd.stdout` holds it, too, beside what `on_stdout` is given
    network: Literal["none", "host"] = "none"
    writable: bool = False  # the root file system, with the capabilities that a package manager needs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a container ended. `stdout` whole and apart from `stderr` (its last 64 KiB)."""

    exit_code: int
    out_of_memory: bool
    timed_out: bool
    stdout: bytes
    stderr: bytes
    seconds: float
    flooded: bool = False  # stopped because it wrote more than `stdout_limit`


class MayPassError(OutsideError):
    """A failure that another attempt may not meet again: a registry that fails at the moment."""


OnProgress = Callable[[Progress], None]
OnOutput = Callable[[bytes], None]


class Engine(Protocol):
    """A container engine. Every method raises `OutsideError` where the engine or a registry fails."""

    def about(self) -> About:
        """Who answers; raises where nobody does."""

    def find(self, reference: str) -> ImageFacts | None:
        """The image of that name or id in the store, or None."""

    def labelled(self, label: str) -> tuple[ImageFacts, ...]:
        """All images with that label (`name`, or `name=value`), in one question: without `env` and `layers`.

        One without a name may be the rest of a load that was broken off.
        """

    def pull(self, reference: str, platform: str, on_progress: OnProgress) -> ImageFacts:
        """Bring an image from its registry. Raises `OutsideError` when it did not arrive, whatever the
        stream's status; an exception out of `on_progress` ends the pull.
        """

    def build(self, request: BuildRequest, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Build and return the image id. Raises `CellError` with step and last lines when the build fails."""

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name."""

    def untag(self, reference: str) -> None:
        """Take a name away (and the image, when it was its last). Nothing happens where there is none."""

    def run(self, request: RunRequest, on_stdout: OnOutput, cancel: threading.Event) -> RunEnd:
        """Run one container to its end and remove it, also when interrupted or out of time."""

    def load(self, image: Assembled, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Bring an assembled image into the store and return the name by which this store knows it: its image
        ID, or (containerd's store) its manifest's digest. It gets no tag, and stays until it is removed.
        Layers that the store has already are not sent. Raises `OutsideError` when what arrived is not that.
        """

    def save(self, image: str, skip: tuple[str, ...], folder: Path) -> tuple[LayerFile, ...]:
        """The image's layers but the lowest ones, `skip` (their diff_ids), as uncompressed tars in `folder`,
        in their order, checked against their diff_ids. Raises `OutsideError` when the image begins otherwise.
        """

    def push(
        self, reference: str, auth: Mapping[str, str], on_progress: OnProgress, cancel: threading.Event
    ) -> str:
        """Let the engine send the image of that name (with its tag) to the registry that it names; the digest
        of the manifest there, as the engine told it.

        `auth` are credentials by Docker's names (`username`, `password`, `identitytoken`, `registrytoken`);
        none: empty. They go into this one request, and into no message. Raises `OutsideError` for an error
        inside a stream of a good status, too, and for a stream without a digest; `MayPassError` where another
        attempt may do.
        """

    def read_layers(self, image: str) -> Iterable[bytes]:
        """The image as `docker save` writes it, in chunks."""

    def sweep(self) -> int:
        """Remove containers that an earlier envbuild process of this machine left; how many there were."""

    def close(self) -> None:
        """Let go of connections."""
