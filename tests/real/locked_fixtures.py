"""A small lock with everything that it names, and the image that an undisturbed build makes of it.

Made once for all modules that name this file in `pytest_plugins`.
"""

import json
import os
import shutil
import zipfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import workplace
from engine_members import address
from main_job import CELL, QUICKSTART, Ended, Job
from small_wheels import offered

from builder.image import Image

BALLAST = "ballast-1.0-py3-none-any.whl"
UNPACKED = 200_000_000  # bytes of the ballast: a layer that takes a moment to write, and to load
NOISE = 3_000_000  # bytes of it that do not become fewer in the wheel: a download with a middle
CLASSIC = {"ENVBUILD_BUILDER": "classic"}  # shares no cache with BuildKit


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
        """A place with an empty store, and no network but that mirror."""
        return workplace.workplace(folder / "job", address("docker"), mirror=mirror or self.mirror)

    def lent(self, folder: Path, *without: str) -> Path:
        """A copy of the mirror, less the files of these names."""
        shutil.copytree(self.mirror, folder, copy_function=os.link, ignore=shutil.ignore_patterns(*without))
        return folder


def _ballast(folder: Path) -> None:
    """A wheel that is small, and unpacked is not."""
    facts = "ballast-1.0.dist-info"
    files = {
        f"{facts}/METADATA": b"Metadata-Version: 2.1\nName: ballast\nVersion: 1.0\n",
        f"{facts}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "ballast/__init__.py": b"WEIGHT = 1\n",
        "ballast/noise": os.urandom(NOISE),
        "ballast/silence": bytes(UNPACKED),
    }
    rows = "".join(f"{path},,\n" for path in (*files, f"{facts}/RECORD"))
    with zipfile.ZipFile(folder / BALLAST, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, f"{facts}/RECORD": rows.encode()}.items():
            archive.writestr(path, content)


@pytest.fixture(scope="session")
def supplied(tmp_path_factory: pytest.TempPathFactory) -> Supplied:
    """The quickstart's Debian with its own Python, and stand-ins for the wheels.

    A folder of the settings is new in each session, so that no engine has built its `os` stage yet.
    """
    folder = tmp_path_factory.mktemp("supplied")
    settings = offered(folder / "wheels")
    _ballast(folder / "wheels")
    made = {
        **QUICKSTART,
        "packages": {"pip": ["ballast", "small"]},
        "settings": {"TORCH_HOME": f"/models/{uuid4().hex}"},
        "base": "bootstrap",
    }
    with workplace.workplace(folder / "job", address("docker"), env={**settings, **CLASSIC}) as job:
        matrix = job.folder / "supplied.yaml"
        matrix.write_text(json.dumps({**made, "image": f"{job.name}/supplied"}))
        workplace.supply(job, matrix, folder / "files")
        image = workplace.build(job, matrix)[CELL].image
    bootstrapped = folder / "job" / "store" / "bootstrap"
    return Supplied(matrix=matrix, mirror=folder / "files", image=image, bootstrapped=bootstrapped)


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
