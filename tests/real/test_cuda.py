"""One CUDA cell for real, from the package index: gigabytes, so only by name (`scripts/test cuda`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from builder.engine import connect

pytestmark = [pytest.mark.real, pytest.mark.big, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
CELL = "debian12-py3.11-cu132-torch2.15.0"
WAITING = {"parallel.data", "parallel.nccl", "gpu.driver", "gpu.train", "gpu.matmul"}
ONCE = ("libcudart.so", "libcublas.so", "libcudnn.so", "libnccl.so", "libcufft.so", "libtorch_cuda.so")


def envbuild(*words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DOCKER_HOST": os.environ["ENVBUILD_TEST_ENGINE"]}
    command = [sys.executable, "-c", "from builder.cli import main; main()", *words]
    return subprocess.run(command, env=env, cwd=ROOT, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[subprocess.CompletedProcess[str], Path]]:
    """The cell, built and verified; its image is removed at the end. The matrix is a copy: it gets a lock."""
    with tempfile.TemporaryDirectory(prefix="eb-cuda-") as name:
        folder = Path(name)
        shutil.copy(ROOT / "matrices" / "cuda.yaml", folder)
        ended = envbuild("up", str(folder / "cuda.yaml"), "--out", name, "--no-gpus", "--json")
        try:
            yield ended, folder
        finally:
            engine = connect(os.environ["ENVBUILD_TEST_ENGINE"])
            engine.untag(f"envbuild/cuda:{CELL}")
            engine.close()


def test_a_cuda_cell_without_a_gpu_is_not_verified_and_fails(run) -> None:
    ended, _ = run
    assert ended.returncode == 1, ended.stderr
    (cell,) = json.loads(ended.stdout)["cells"]
    assert cell["outcome"] == cell["verification"]["status"] == "not verified"
    checks = {check["id"]: check for check in cell["verification"]["checks"]}
    assert {
        name for name, check in checks.items() if check["required"] and check["status"] == "skip"
    } == WAITING
    assert checks["torch.cuda"]["values"]["found"] == "13.2"
    for name in (
        "train.curve",
        "save.load",
        "quantize.dynamic",
        "parallel.ddp",
        "libs.resolve",
        "torch.cudnn",
    ):
        assert checks[name]["status"] == "pass", checks[name]


def test_it_is_let_through_by_name_and_still_not_called_passed(run) -> None:
    _, folder = run
    words = ("verify", str(folder / "cuda.yaml"), "--out", str(folder), "--no-gpus", "--allow", "no-gpu")
    ended = envbuild(*words)
    assert ended.returncode == 0, ended.stderr
    assert "not verified" in ended.stdout
    assert "passed" not in ended.stdout


def test_its_dockerfile_and_its_layers_hold_cuda_once(run) -> None:
    _, folder = run
    dockerfile = (folder / CELL / "recipe" / "Dockerfile").read_text()
    assert "nvidia/cuda" not in dockerfile
    files = Counter(name for name in _files(f"envbuild/cuda:{CELL}") if name.startswith(ONCE))
    for library in ONCE:
        held = {name: count for name, count in files.items() if name.startswith(library)}
        assert sum(held.values()) == 1, f"{library}: {held}"


def _files(image: str) -> Iterator[str]:
    """The names of the regular files in every layer of the image."""
    engine = connect(os.environ["ENVBUILD_TEST_ENGINE"])
    with tempfile.TemporaryFile() as saved:
        for chunk in engine.read_layers(image):
            saved.write(chunk)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as outer:
            for member in outer:
                with suppress(tarfile.ReadError):  # not a layer, but something about the image
                    if member.isfile() and member.size:
                        yield from _in_layer(outer.extractfile(member))
    engine.close()


def _in_layer(content: IO[bytes] | None) -> Iterator[str]:
    with tarfile.open(fileobj=content) as layer:
        yield from (Path(entry.name).name for entry in layer if entry.isfile())
