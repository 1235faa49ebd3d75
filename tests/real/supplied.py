"""A small lock with everything that it names, and what is done with it at places that have nothing yet."""

import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import workplace
from engine_members import address
from main_job import CELL, Ended, Job

from builder.image import Image

BALLAST = "ballast-1.0-py3-none-any.whl"
CLASSIC = {"ENVBUILD_BUILDER": "classic"}  # shares no cache with BuildKit
BUILDKIT = {"ENVBUILD_BUILDER": "buildkit"}


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """A matrix with its lock beside it, a folder with every file that the lock names (`envbuild fetch`), and
    the image that was built of it in peace.
    """

    matrix: Path
    mirror: Path
    image: Image
    bootstrapped: Path  # the folder with the base's root file system

    def place(self, folder: Path, *, mirror: Path | None = None) -> AbstractContextManager[Job]:
        """A place with an empty store, and no network but that mirror.

        There the classic builder finds the steps of the `os` stage done; BuildKit has not done them.
        """
        return workplace.workplace(
            folder / "job", address("docker"), mirror=mirror or self.mirror, env=CLASSIC
        )

    def lent(self, folder: Path, *without: str) -> Path:
        """A copy of the mirror, less the files of these names."""
        shutil.copytree(self.mirror, folder, copy_function=os.link, ignore=shutil.ignore_patterns(*without))
        return folder


def bring(supplied: Supplied, job: Job) -> Path:
    """The matrix with its lock, at that place, and an engine that has made nothing of it."""
    here = workplace.bring(supplied.matrix, job)
    workplace.forget(job, here)
    return here


def build(supplied: Supplied, job: Job, *options: object, env: dict[str, str] | None = None) -> Ended:
    """`envbuild build` there, to its end."""
    return job.run("build", job.folder / supplied.matrix.name, "--out", job.folder / "out", *options, env=env)


def is_the_same(supplied: Supplied, job: Job, ended: Ended) -> None:
    """It came through, with the very image of an undisturbed build, and left nothing of its work behind."""
    assert ended.code == 0, ended.out + ended.err
    assert not ended.traceback
    found = workplace.built(job)[CELL]
    assert found.image.id == supplied.image.id
    assert [piece.diff_id for piece in found.image.layers] == [
        piece.diff_id for piece in supplied.image.layers
    ]
    assert job.client.images.get(supplied.image.tags[0]).id == found.image.stored
    layers = job.folder / "store" / "layers"
    assert list(layers.glob("making/*")) == []
    assert list(layers.glob("scratch/work-*")) == []


def log(job: Job) -> str:
    """What the last build told."""
    return (job.folder / "out" / CELL / "build.log").read_text()
