"""Places where one lock is built: each with an engine, a folder and a store of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from main_job import Job

from builder import lock, records
from builder.cli import locking, selection
from builder.engine import connect
from builder.image import Image, Locked
from builder.layer.difference import differences

OURS = "localhost/envbuild"  # how every name begins that tests and envbuild itself give to images
SETTINGS = ("ENVBUILD_", "DOCKER_", "FAKETIME")  # of this machine, and not of a place


@dataclass(frozen=True, kw_only=True)
class Built:
    """A cell's image with the place where it was made."""

    image: Image
    job: Job
    log: str

    @property
    def told(self) -> dict[str, Any]:
        """What the engine says of it."""
        attributes: dict[str, Any] = self.job.client.images.get(self.image.tags[0]).attrs
        return attributes


@contextmanager
def workplace(
    folder: Path, address: str, *, mirror: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[Job]:
    """A place at the engine of that address, with nothing in its store.

    With a `mirror`, which `envbuild fetch` filled, it takes everything from there and uses no network. What
    it makes in the engine is taken away at the end.
    """
    folder.mkdir(parents=True)
    lent = {"ENVBUILD_MIRROR": str(mirror), "ENVBUILD_OFFLINE": "1"} if mirror else {}
    known = {name: text for name, text in os.environ.items() if not name.startswith(SETTINGS)}
    engine, client = connect(address), docker.DockerClient(base_url=address, timeout=300)
    job = Job(
        name=f"{OURS}-test/same-{os.getpid()}",
        folder=folder,
        engine=engine,
        client=client,
        env={**known, **lent, **(env or {}), "DOCKER_HOST": address, "ENVBUILD_STORE": str(folder / "store")},
    )
    before = names(job)
    try:
        yield job
    finally:
        engine.sweep()
        for name in sorted(names(job) - before):
            engine.untag(name)
        engine.close()
        client.close()


def names(job: Job) -> set[str]:
    """Of the images in its engine that are envbuild's or its tests'."""
    tags = (tag for image in job.client.images.list() for tag in image.tags)
    return {tag for tag in tags if tag.startswith(OURS)}


def supply(job: Job, matrix: Path, mirror: Path) -> None:
    """Lock a matrix there, and put everything that the lock names into `mirror`."""
    for words in (("lock", matrix), ("fetch", matrix, "--to", mirror)):
        ended = job.run(*words)
        assert ended.code == 0, ended.out + ended.err


def bring(matrix: Path, job: Job) -> Path:
    """A copy of a matrix, with its lock, at another place."""
    there = job.folder / matrix.name
    if there != matrix:
        shutil.copy(matrix, there)
        shutil.copy(lock.path_for(matrix), lock.path_for(there))
    return there


def forget(job: Job, matrix: Path) -> None:
    """Take from the engine what it built for this lock before: the images of the `os` stages."""
    chosen = selection.select(matrix)
    found = lock.read(lock.path_for(matrix))
    assert found
    for recipe in chosen.recipes():
        job.engine.untag(Locked.of(recipe, found, locking.wish(chosen, recipe)).ground.image)


def build(job: Job, matrix: Path, *options: object) -> dict[str, Built]:
    """`envbuild build` there, with nothing made before: what it built, by cell."""
    here = bring(matrix, job)
    forget(job, here)
    ended = job.run("build", here, "--out", job.folder / "out", *options)
    assert ended.code == 0, ended.out + ended.err
    return built(job)


def built(job: Job) -> dict[str, Built]:
    """What its records tell of."""
    found = {}
    for folder in (path.parent for path in (job.folder / "out").glob("*/image.json")):
        image = records.read_image(folder)
        assert image
        found[folder.name] = Built(image=image, job=job, log=(folder / "build.log").read_text())
    return found


def why(one: Built, other: Built) -> str:
    """For the reader of a failed test: the layers that differ, and what differs in them."""
    lines = [f"{one.image.id} and {other.image.id}"]
    for here, there in zip(one.image.layers, other.image.layers, strict=False):
        if here.diff_id != there.diff_id:
            tars = layer(one.job, here.diff_id), layer(other.job, there.diff_id)
            lines += [f"layer of {here.label}:", *map(str, differences(*tars)[:20])]
    return "\n".join(lines)


def layer(job: Job, diff_id: str) -> Path:
    """The tar of a layer that was made there."""
    return Path(job.env["ENVBUILD_STORE"]) / "layers" / "blobs" / f"{diff_id.removeprefix('sha256:')}.tar"
