"""One engine for everything that is compared: a private one, or the one that the user names."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "engine"
RELEASE = "forky"  # of Debian, whose Docker and buildx are taken
WORDS = (
    "DOCKER_",
    "BUILDX_",
    "BUILDKIT_",
    "ENVBUILD_",
    "SOURCE_DATE_EPOCH",
)  # settings that would change a side


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine, the buildx that drives it, and a folder for both sides' files."""

    address: str
    buildx: str
    folder: Path
    client: docker.DockerClient

    @property
    def env(self) -> dict[str, str]:
        """This machine's environment with this engine, and no settings of Docker's or envbuild's own."""
        plain = {name: text for name, text in os.environ.items() if not name.startswith(WORDS)}
        config = str(self.folder / "docker")
        return plain | {"DOCKER_HOST": self.address, "DOCKER_CONFIG": config, "BUILDX_CONFIG": config}

    def ids(self, names: Iterator[str] | tuple[str, ...]) -> list[str]:
        """What these names mean today."""
        return [self.client.images.get(name).id for name in names]

    def forget(self, kept: tuple[str, ...]) -> None:
        """Back to where a first build starts: no image but `kept`, and no build cache."""
        for _ in range(3):  # an image goes only after those that were made from it
            for image in self.client.images.list(all=True):
                for name in image.tags or [image.id]:
                    if name not in kept:
                        with suppress(docker.errors.APIError):
                            self.client.images.remove(name, force=True)
        self.client.api.prune_builds(all=True)
        settle()
        left = {tag for image in self.client.images.list(all=True) for tag in image.tags or [image.id]}
        if left - set(kept):
            raise SystemExit(f"these images cannot be removed: {', '.join(sorted(left - set(kept)))}")

    def stored(self) -> int:
        """Bytes of all layers in its store, each once, as the engine itself counts them."""
        return int(self.client.df()["LayersSize"])

    def told(self) -> dict[str, Any]:
        """Version, store and buildx, for the reader of the figures."""
        known = self.client.info()
        said = subprocess.run([self.buildx, "version"], text=True, capture_output=True, check=True).stdout
        snapshots = any("containerd" in str(pair) for pair in known["DriverStatus"])
        store = "containerd" if snapshots else known["Driver"]
        return {"docker": known["ServerVersion"], "store": store, "buildx": said.split()[1]}


def settle() -> None:
    """After deletions: ext4 passes over inodes that were deleted just before, which makes new files slow."""
    os.sync()
    with suppress(OSError):  # root's
        Path("/proc/sys/vm/drop_caches").write_text("1")


@contextmanager
def opened(address: str | None, store: str) -> Iterator[Engine]:
    """The engine at `address`, or a private one with that store which ends with the block."""
    buildx = _said(str(SCRIPT), "buildx", "--release", RELEASE)
    with tempfile.TemporaryDirectory(prefix="envb.") as name, _running(address, store, Path(name)) as found:
        client = docker.DockerClient(base_url=found, timeout=1800)
        yield Engine(address=found, buildx=buildx, folder=Path(name), client=client)
        client.close()


@contextmanager
def _running(address: str | None, store: str, folder: Path) -> Iterator[str]:
    if address:
        yield address
        return
    place = folder / "e"
    try:
        yield _said(str(SCRIPT), "start", str(place), "--release", RELEASE, "--store", store)
    finally:
        subprocess.run([SCRIPT, "stop", place], check=True)


def _said(*command: str) -> str:
    """What a command prints; its complaints go where ours go."""
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout.strip()


def run(command: list[str], env: Mapping[str, str], folder: Path) -> str:
    """A command to its end; what it said, or an end of everything with its last lines."""
    end = subprocess.run(command, env=dict(env), cwd=folder, text=True, capture_output=True, check=False)
    if end.returncode:
        said = "\n".join((end.stdout + end.stderr).splitlines()[-30:])
        raise SystemExit(f"{' '.join(command)} ended with {end.returncode}:\n{said}")
    return end.stdout
