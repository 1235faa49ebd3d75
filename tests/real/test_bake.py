"""`docker buildx bake` builds the exported file of the debian matrix: the real bake and a real torch.

What bake fetches elsewhere lies in the contexts here, as the Dockerfile says: no registry and no published
Python need be in reach. The standalone Python is a stand-in, which Debian 11's glibc cannot run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import docker
import pytest
from interpreter import mirror, with_its_own_prefix
from main_job import COMMAND, ROOT
from private_engine import RELEASE, private

from builder.cli import selection
from builder.recipe import Recipe
from builder.source import downloads_json, open_source, pins_txt

pytestmark = pytest.mark.real

BASES = {"debian12": "bookworm", "debian13": "trixie"}
PROOF = (
    "import torch; m = torch.nn.Linear(3, 2); m(torch.ones(1, 3)).sum().backward(); print(torch.__version__)"
)


def supply(recipe: Recipe, context: Path) -> None:
    """Put what a build without a network needs beside what was rendered."""
    source = open_source()
    supplies = source.resolve(recipe.order)
    (context / "tools").mkdir()
    shutil.copy2(source.installer(), context / "tools" / "uv")
    (context / "env" / "pins.txt").write_bytes(pins_txt(supplies))
    for pin in supplies.wheels:
        shutil.copy(source.fetch(pin, lambda *_: None), context / "env" / "wheels" / pin.filename)
    if supplies.interpreter:
        pin = supplies.interpreter
        shutil.copy(source.fetch(pin, lambda *_: None), context / "python" / pin.filename)
        listing = downloads_json(pin, f"file:///inputs/python/{pin.filename}")
        (context / "python" / "downloads.json").write_bytes(listing)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders and the file, as the command line writes them, then supplied."""
    folder = tmp_path_factory.mktemp("bake")
    matrix = ROOT / "matrices" / "debian.yaml"
    words = [COMMAND, "render", matrix, "--format", "bake", "--out", folder / "docker"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    (folder / "python").mkdir()
    listing = mirror(folder / "python", with_its_own_prefix("3.11"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(listing))
        patch.setenv("ENVBUILD_STORE", str(folder / "store"))
        for recipe in selection.select(matrix).recipes():
            if recipe.cell.os in BASES:
                supply(recipe, folder / "docker" / recipe.cell.id)
    return folder / "docker"


def test_bake_builds_what_was_exported(exported: Path) -> None:
    document = json.loads((exported / "docker-bake.json").read_text())
    names = [name for name in document["group"]["default"]["targets"] if name.partition("-")[0] in BASES]
    assert len(names) == 2
    find = [ROOT / "scripts" / "engine", "buildx", "--release", RELEASE]
    plugin = subprocess.run(find, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    with private("overlay2") as endpoint:
        client = docker.DockerClient(base_url=endpoint, timeout=300)
        for os_name, codename in BASES.items():
            tar = open_source().bootstrap(os_name, codename)
            client.api.import_image_from_file(
                str(tar), repository="debian", tag=os_name.removeprefix("debian")
            )
        command = [plugin, "bake", "--progress=plain", "--set=*.args.UV_IMAGE=uv-local"]
        command += ["--set=*.network=host", "--allow=network.host", *names]
        env = {**os.environ, "DOCKER_HOST": endpoint, "DOCKER_CONFIG": str(exported.parent)}
        end = subprocess.run(command, cwd=exported, env=env, capture_output=True, text=True, check=False)
        assert end.returncode == 0, end.stderr[-4000:]
        for name in names:
            (tag,) = document["target"][name]["tags"]
            said = client.containers.run(tag, ["python", "-c", PROOF], network_mode="none", remove=True)
            assert said.decode().strip() == "2.13.0+cpu"
            assert client.images.get(tag).attrs["Config"]["User"] == "1000"
        client.close()
