"""The engines that tests run on, and a base image that needs no registry, made of this machine's programs."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import docker
import pytest

from builder.engine import connect
from builder.engine.api import Assembled, BuildRequest, Engine, Entry, LayerFile

RUN, MADE = str(os.getpid()), "org.envbuild.test-run"
TINY = f"envbuild-test/engine-tiny-{RUN}:1"
NO_LABELS: Mapping[str, str] = MappingProxyType({})
PROGRAMS = ("sh", "cat", "id", "sleep", "ls", "touch", "yes", "head", "tail", "seq", "true", "false", "wc")


def member(kind: str) -> Engine:
    """The Docker or Podman engine that the environment names."""
    return connect(address(kind))


def address(kind: str) -> str:
    """Where that engine listens; a missing one fails the test."""
    variable = {"docker": "ENVBUILD_TEST_ENGINE", "podman": "ENVBUILD_TEST_PODMAN"}[kind]
    if os.environ.get(variable):
        return os.environ[variable]
    if kind == "podman" and os.environ.get("ENVBUILD_TEST_NO_PODMAN"):
        pytest.skip(f"Podman is left out: {os.environ['ENVBUILD_TEST_NO_PODMAN']}")
    pytest.fail(f"{variable} must name an engine (scripts/test starts one)")


def tiny_rootfs(folder: Path) -> Path:
    """A root file system's tar of a few MB: a shell and some programs, and two users."""
    tar = folder / "tiny.tar"
    with tarfile.open(tar, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in (("passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"), ("group", "")):
            (folder / name).write_text(text)
            archive.add(folder / name, f"etc/{name}")
        libraries = set()
        for program in PROGRAMS:
            found = Path(shutil.which(program) or pytest.fail(f"{program} is not on this machine"))
            archive.add(found.resolve(), f"bin/{program}")
            listed = subprocess.run(["ldd", found], check=True, capture_output=True, text=True).stdout
            libraries |= set(re.findall(r"(/\S+) \(0x", listed))
        for library in sorted(libraries):
            archive.add(Path(library).resolve(), library.lstrip("/"))
    return tar


def brought(engine: Engine, rootfs: Path, reference: str, labels: Mapping[str, str] = NO_LABELS) -> str:
    """A root file system of this machine's programs, in the engine under that name: its image."""
    content = rootfs.read_bytes()
    layer = LayerFile(diff_id=f"sha256:{hashlib.sha256(content).hexdigest()}", size=len(content), path=rootfs)
    platform = "linux/arm64" if os.uname().machine == "aarch64" else "linux/amd64"
    image = engine.load(
        Assembled.of_rootfs(layer, platform, labels), lambda progress: None, threading.Event()
    )
    engine.tag(image, reference)
    return image


def request(dockerfile: str, **changes: object) -> BuildRequest:
    """A build of one Dockerfile, without network."""
    given: dict[str, Any] = {
        "context": (Entry(path="Dockerfile", content=dockerfile.encode()),),
        "target": None,
        "args": {},
        "labels": {},
        "network": "none",
        "tag": None,
    }
    given.update(changes)
    given["labels"] = {**given["labels"], MADE: RUN}
    return BuildRequest(**given)


def remove_made(engine: Engine) -> None:
    """Remove all images that this run's `request`s made, also those without a name."""
    about = engine.about()
    if about.kind == "dry":
        return
    client = docker.APIClient(base_url=about.endpoint, version="auto")
    for image in client.images(quiet=True, filters={"label": f"{MADE}={RUN}"}):
        client.remove_image(image, force=True)
    client.close()
