"""One lock, one image ID: on every engine that envbuild knows, and told by the engine itself."""

import hashlib
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import workplace
from engine_members import address
from main_job import CELL, ROOT, Job
from private_engine import private
from workplace import Built

from builder.engine.api import RunRequest

pytestmark = pytest.mark.real
IMPORT = ("python", "-c", "import torch; print(torch.__version__)")
CLASSIC = {"ENVBUILD_BUILDER": "classic"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The quickstart's cell as the Docker engine's BuildKit makes it; the lock is made here, once."""
    folder = tmp_path_factory.mktemp("first")
    with workplace.workplace(folder / "job", address("docker")) as job:
        text = (ROOT / "matrices" / "quickstart.yaml").read_text()
        matrix = folder / "job" / "quickstart.yaml"
        matrix.write_text(text.replace("envbuild/quickstart", f"{job.name}/quickstart"))
        workplace.supply(job, matrix, mirror_of(job))
        yield workplace.build(job, matrix)[CELL]
    shutil.rmtree(folder)  # gigabytes, that pytest would keep


def mirror_of(job: Job) -> Path:
    """The folder with everything that the lock names."""
    return job.folder.with_name("files")


@contextmanager
def place_at(how: str, first: Built, folder: Path) -> Iterator[Job]:
    """A place where it is to be built again, with a store and layers of its own."""
    lent, env = mirror_of(first.job), CLASSIC if how == "classic" else {}
    if how in ("overlay2", "containerd"):
        with private(how) as found, workplace.workplace(folder / how, found, mirror=lent) as job:
            assert job.engine.about().store == how
            yield job
    else:
        found = address("podman" if how == "podman" else "docker")
        with workplace.workplace(folder / how, found, mirror=lent, env=env) as job:
            yield job


def test_buildkit(first: Built) -> None:
    assert "[os " in first.log
    told_and_runs(first)


@pytest.mark.parametrize(
    "how",
    [
        "classic",
        "podman",
        pytest.param("overlay2", marks=pytest.mark.engines),
        "containerd",  # Docker's default from 29 on
    ],
)
def test_another_engine_makes_the_same(how: str, first: Built, tmp_path: Path) -> None:
    with place_at(how, first, tmp_path) as job:
        again = workplace.build(job, first.job.folder / "quickstart.yaml")[CELL]
        assert again.image.id == first.image.id, workplace.why(first, again)
        assert ("[os " in again.log) == (how in ("overlay2", "containerd")), "built by another builder"
        told_and_runs(again)
    shutil.rmtree(job.folder)


def told_and_runs(built: Built) -> None:
    """The engine itself has it under that ID, and torch can be imported in it."""
    image, engine = built.image, built.job.engine
    told = built.told
    assert told["RootFS"]["Layers"] == [piece.diff_id for piece in image.layers]
    if engine.about().store == "containerd":
        assert (told["Id"], image.id) == saved_digests(built)
        assert told["Id"] == image.stored
    else:
        assert f"sha256:{told['Id'].removeprefix('sha256:')}" == image.stored == image.id
    ran = engine.run(RunRequest(image=image.stored, command=IMPORT), lambda _: None, threading.Event())
    assert (ran.exit_code, ran.stdout) == (0, b"2.13.0+cpu\n"), ran.stderr


def saved_digests(built: Built) -> tuple[str, str]:
    """The manifest's digest and the config's, of what `docker save` writes."""
    path = built.job.folder / "saved.tar"
    with path.open("wb") as file:
        file.writelines(built.job.engine.read_layers(built.image.tags[0]))
    with tarfile.open(path) as archive:

        def read(name: str) -> bytes:
            found = archive.extractfile(name)
            assert found
            return found.read()

        manifest: str = json.loads(read("index.json"))["manifests"][0]["digest"]
        config = read(json.loads(read("manifest.json"))[0]["Config"])
        content = read(f"blobs/{manifest.replace(':', '/')}")
    path.unlink()
    assert json.loads(content)["config"]["digest"] == digest(config)
    return digest(content), digest(config)


def digest(content: bytes) -> str:
    """As images are named."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
