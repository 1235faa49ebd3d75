"""Engines for the tests of this folder; scripts/test starts them and names them in the environment."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import engine_members
import pytest

from builder.engine.api import Engine
from builder.errors import OutsideError


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The Docker engine that ENVBUILD_TEST_ENGINE names."""
    found = engine_members.member("docker")
    yield found
    found.close()


@pytest.fixture(scope="session", params=["docker", "podman"])
def either(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Docker's engine, then Podman's."""
    found = engine_members.member(request.param)
    yield found
    found.close()


@pytest.fixture(scope="session")
def tiny(either: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small image with a shell, on `either` engine."""
    rootfs: Path = engine_members.tiny_rootfs(tmp_path_factory.mktemp("tiny"))
    engine_members.brought(either, rootfs, engine_members.TINY)
    yield engine_members.TINY
    engine_members.remove_made(either)
    # Podman 4.3 lets the step of an interrupted build run to its own end, and so long it holds the image; the
    # service's store is removed with the service.
    with suppress(OutsideError) if either.about().kind == "podman" else nullcontext():
        either.untag(engine_members.TINY)
