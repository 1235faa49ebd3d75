"""The door to a real engine, Docker's or Podman's: what they differ in is chosen here, once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.engine import building, confinement, door, images, pushing, running, saving
from builder.engine.api import (
    About,
    Assembled,
    BuildRequest,
    Entry,
    ImageFacts,
    LayerFile,
    OnOutput,
    OnProgress,
    RunEnd,
    RunRequest,
)
from builder.engine.loading import Loader
from builder.engine.messages import messages
from builder.engine.refusals import outside
from builder.errors import InputError, OutsideError

if TYPE_CHECKING:
    from docker import APIClient

ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


class DockerEngine:
    """`Engine` over docker-py. Its methods may be called from several threads at once."""

    def __init__(self, client: APIClient, endpoint: str, *, classic: bool = False) -> None:
        self._client, self._endpoint, self._classic = client, endpoint, classic

    def about(self) -> About:
        """Who answers; asks anew each time."""
        with outside("asking the engine about itself"):
            version, found = self._client.version(), self._client.info()
        return About(
            kind="podman" if self._podman else "docker",
            version=str(version.get("Version") or ""),
            api=str(self._client.api_version),
            endpoint=self._endpoint,
            store=_store(found),
            arch=ARCHITECTURES.get(str(found.get("Architecture")), str(found.get("Architecture"))),
            cpus=int(found.get("NCPU") or 0),
            memory=int(found.get("MemTotal") or 0),
            gpus=confinement.can_pass_gpus(
                found, podman=self._podman, local=self._endpoint.startswith("unix://")
            ),
            buildkit=self._buildkit,
        )

    def find(self, reference: str) -> ImageFacts | None:
        """The image of that name or id in the store, or None."""
        return images.find(self._client, reference)

    def labelled(self, label: str) -> tuple[ImageFacts, ...]:
        """All images with that label, in one question."""
        return images.labelled(self._client, label)

    def pull(self, reference: str, platform: str, on_progress: OnProgress) -> ImageFacts:
        """Bring an image from its registry."""
        return images.pull(self._client, reference, platform, on_progress)

    def build(self, request: BuildRequest, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Build and return the image id. The tag is put on last, so that no failure leaves it behind."""
        if not any(entry.path == "Dockerfile" for entry in request.context):
            raise InputError.of("the build context has no Dockerfile")
        if request.network == "default" and not self._bridge:
            request = replace(request, network="host")
        image = self._build(request, on_progress, cancel)
        if request.tag:
            images.tag(self._client, image, request.tag)
        return image

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name."""
        images.tag(self._client, image, reference)

    def untag(self, reference: str) -> None:
        """Take a name away (and the image, when it was its last)."""
        images.untag(self._client, reference)

    def run(self, request: RunRequest, on_stdout: OnOutput, cancel: threading.Event) -> RunEnd:
        """Run one container to its end and remove it."""
        return running.run(self._client, request, on_stdout, cancel, podman=self._podman)

    def load(self, image: Assembled, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Bring an assembled image into the store and return the name by which this store knows it."""
        return self._loader.load(image, on_progress, cancel)

    def save(self, image: str, skip: tuple[str, ...], folder: Path) -> tuple[LayerFile, ...]:
        """The image's layers above `skip`, as uncompressed tars in `folder`."""
        return saving.save(self._client, image, skip, folder)

    def push(
        self, reference: str, auth: Mapping[str, str], on_progress: OnProgress, cancel: threading.Event
    ) -> str:
        """Let the engine send an image to the registry that its name names; the digest there."""
        return pushing.push(self._client, reference, auth, on_progress, cancel)

    def read_layers(self, image: str) -> Iterable[bytes]:
        """The image as `docker save` writes it, in chunks."""
        return images.read_layers(self._client, image)

    def sweep(self) -> int:
        """Remove containers that an earlier envbuild process of this machine left behind."""
        return running.sweep(self._client)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _build(self, request: BuildRequest, on_progress: OnProgress, cancel: threading.Event) -> str:
        """The image id. A daemon that refuses BuildKit is not asked for it again."""
        builder: building.Builder = "podman" if self._podman else "classic" if self._classic else "buildkit"
        try:
            return building.build(self._client, request, on_progress, cancel, builder=builder)
        except OutsideError as error:
            if builder != "buildkit" or "buildkit" not in str(error).lower() or self._buildkit:
                raise
        self._classic = True
        return building.build(self._client, request, on_progress, cancel, builder="classic")

    @cached_property
    def _podman(self) -> bool:
        with outside("asking the engine's version"):
            parts = self._client.version().get("Components") or ()
        return any("podman" in str(part.get("Name", "")).lower() for part in parts)

    @cached_property
    def _loader(self) -> Loader:
        with outside("asking the engine about its store"):
            kept = "" if self._podman else _store(self._client.info())
        return Loader(
            client=self._client,
            store="podman" if self._podman else "containerd" if kept == "containerd" else "chains",
        )

    @cached_property
    def _bridge(self) -> bool:
        """Whether builds have a network of their own.

        Under `--bridge=none` there is only the host's; a daemon that leaves its bridge to another one says so
        by a label (scripts/engine starts such daemons).
        """
        with outside("asking for the engine's networks"):
            if self._podman:
                return True
            told = "org.envbuild.network=host" in (self._client.info().get("Labels") or ())
            return not told and any(network["Name"] == "bridge" for network in self._client.networks())

    @cached_property
    def _buildkit(self) -> bool:
        """Announced since Docker 23; 20.10 has it, too: tried out there with a build of nothing."""
        if self._podman or self._classic:
            return False
        with outside("asking the engine for its builder"):
            if door.announced(self._client, "Builder-Version") == "2":
                return True
        request = BuildRequest(
            context=(Entry(path="Dockerfile", content=b"FROM scratch\n"),),
            target=None,
            args={},
            labels={},
            network="none",
            tag=None,
        )
        try:
            with outside("trying BuildKit"), building.probe(self._client, request) as response:
                said = [message.get("id") for message in messages(response, "trying BuildKit")]
                return "moby.buildkit.trace" in said
        except OutsideError:
            return False


def _store(found: dict[str, Any]) -> str:
    containerd = any("containerd.snapshotter" in str(pair) for pair in found.get("DriverStatus") or ())
    return "containerd" if containerd else str(found.get("Driver") or "unknown")
