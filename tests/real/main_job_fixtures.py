"""The place and the passed image of the main job's tests, made once for all modules that name this file in
`pytest_plugins`.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import docker
import pytest
from main_job import MADE, OURS, ROOT, Job, Passed

from builder.engine.api import Engine
from builder.image.carrier import LABEL as CARRIER_LABEL
from builder.ports import CELL_LABEL


@pytest.fixture(scope="session")
def job(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A place to work in, and its end: what was made in the engine is removed, whatever happened."""
    folder = tmp_path_factory.mktemp("main")
    endpoint = os.environ["ENVBUILD_TEST_ENGINE"]
    client = docker.DockerClient(base_url=endpoint, timeout=300)
    known = {name: text for name, text in os.environ.items() if not name.startswith(("ENVBUILD_", "DOCKER_"))}
    env = {**known, "DOCKER_HOST": endpoint, "ENVBUILD_STORE": str(folder / "store")}
    made = Job(
        name=f"localhost/envbuild-test/main-{os.getpid()}",
        folder=folder,
        engine=engine,
        client=client,
        env=env,
    )
    before = {name for image in client.images.list() for name in (*image.tags, image.id)}
    heard = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a parent in the background may have it ignored
    yield made
    signal.signal(signal.SIGINT, heard)
    engine.sweep()
    _remove(made, before)
    client.close()


def _remove(job: Job, before: set[str]) -> None:
    """Take away every image of this run: by its name, or by its label where it has none, as after a kill."""
    for image in job.client.images.list(all=False):
        ours = [tag for tag in image.tags if tag.startswith((job.name, OURS)) and tag not in before]
        labels = image.labels or {}
        marked = labels.get(MADE) == job.name or any(label in labels for label in (CELL_LABEL, CARRIER_LABEL))
        nameless = not image.tags and marked and image.id not in before
        for name in ours or ([image.id] if nameless else []):
            with suppress(docker.errors.APIError):  # in use by another run, or gone already
                job.client.images.remove(name, force=True)


@pytest.fixture(scope="session")
def passed(job: Job) -> Passed:
    """The quickstart, done once: `envbuild up matrices/quickstart.yaml` under another image name."""
    text = (ROOT / "matrices" / "quickstart.yaml").read_text()
    matrix = job.folder / "quickstart.yaml"
    matrix.write_text(text.replace("envbuild/quickstart", f"{job.name}/quickstart"))
    assert matrix.read_text() != text
    ended = job.run("up", matrix, "--out", job.folder / "quickstart")
    assert ended.code == 0, ended.out + ended.err
    return Passed(job=job, matrix=matrix, out=job.folder / "quickstart", ended=ended)
