"""Every page by the checks of BuildKit's own frontend (`docker build --check`), that of the newer Docker.

They want the bases' settings, which are an empty image's here: no distribution's image is needed.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from main_job import ROOT
from private_engine import RELEASE, private

from tests.golden.cells import HERE, OSES

pytestmark = pytest.mark.real

PAGES = sorted((HERE / "dockerfiles").iterdir())
BASE = "localhost/envbuild-test/checked:1"


class Frontend:
    """The frontend of an engine, asked by its own client."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        find = [ROOT / "scripts" / "engine", "buildx", "--release", RELEASE]
        plugin = subprocess.run(find, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        self.command = [
            plugin,
            "build",
            "--call=check,format=json",
            f"--build-arg=BASE_IMAGE={BASE}",
        ]
        self.command += ["--build-arg=UV_IMAGE=uv-local", "--progress=quiet", "--file=-", str(folder)]
        self.env = {**os.environ, "DOCKER_HOST": endpoint, "DOCKER_CONFIG": str(folder)}

    def asked(self, page: str) -> dict[str, Any]:
        """What it says of a page."""
        end = subprocess.run(
            self.command, env=self.env, input=page, capture_output=True, text=True, check=False
        )
        assert end.stdout, end.stderr
        told: dict[str, Any] = json.loads(end.stdout)
        return told


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    folder = tmp_path_factory.mktemp("checked")
    with private("overlay2") as endpoint:
        client = docker.APIClient(base_url=endpoint, version="auto")
        client.import_image_from_data(b"\0" * 1024, repository=BASE.rpartition(":")[0], tag="1")
        client.close()
        yield Frontend(endpoint, folder)


def test_there_is_a_page_for_every_os() -> None:
    assert {path.name.partition("-py")[0] for path in PAGES} == set(OSES)


@pytest.mark.parametrize("os", OSES)
def test_it_finds_nothing(frontend: Frontend, os: str) -> None:
    for page in (path for path in PAGES if path.name.startswith(f"{os}-py")):
        told = frontend.asked(page.read_text())
        assert (told.get("warnings"), told.get("buildError")) == (None, None), page.name


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("FROM scratch AS uv-local", "FROM scratch as uv-local", "FromAsCasing"),
        ('ENV LANG="', 'ENV API_TOKEN=x\nENV LANG="', "SecretsUsedInArgOrEnv"),
        ("WORKDIR ", "WORKDIR not/absolute\nWORKDIR ", "WorkdirRelativePath"),
    ],
)
def test_it_would_tell(frontend: Frontend, old: str, new: str, rule: str) -> None:
    text = PAGES[0].read_text()
    assert old in text
    found = frontend.asked(text.replace(old, new))["warnings"]
    assert rule in {warning["ruleName"] for warning in found}
