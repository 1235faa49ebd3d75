"""The engines that tests run on, and a base image that needs no registry, made of this machine's programs."""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from builder.engine import connect
from builder.engine.api import BuildRequest, Engine, Entry

TINY = f"envbuild-test/engine-tiny-{os.getpid()}:1"
PROGRAMS = ("sh", "cat", "id", "sleep", "ls", "touch", "yes", "head", "tail", "seq", "true", "false", "wc")


def member(kind: str) -> Engine:
    """The Docker or Podman engine that the environment names; a missing one fails the test."""
    variable = {"docker": "ENVBUILD_TEST_ENGINE", "podman": "ENVBUILD_TEST_PODMAN"}[kind]
    if os.environ.get(variable):
        return connect(os.environ[variable])
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


def request(dockerfile: str, **changes: object) -> BuildRequest:
    """A build of one Dockerfile, without network."""
    given: dict[str, object] = {
        "context": (Entry(path="Dockerfile", content=dockerfile.encode()),),
        "target": None,
        "args": {},
        "labels": {},
        "network": "none",
        "tag": None,
    }
    return BuildRequest(**{**given, **changes})  # type: ignore[arg-type]
