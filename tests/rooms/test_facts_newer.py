"""An overlay that is ahead of the shipped tables: what it tells is used, and what nobody knows is unknown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder import facts
from builder import machine as machines
from builder.advice import advise

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ROOT / "tests/screens/matrices/machines"
# A torch for a CUDA that CUDA's own table does not have yet.
AHEAD = """
torch:
  2.16.0:
    released: 2026-12-01
    python: {x86_64: [3.12, 3.13]}
    glibc: {x86_64: 2.28}
    variants: [cpu, cu136]
    default_cuda: {x86_64: 13.6}
    torchvision: [0.30.0]
    torchaudio: [2.11.0]
    source: [ours]
    variants_source: [ours]
sources:
  ours: {title: our own, seen: 2026-12-01}
"""
KERNELS = AHEAD + "architectures: {2.16.0: {x86_64: {cu136: [7.0, 9.0, 8.6]}, source: [ours]}}\n"
MATRIX = """
version: 1
image: registry.example.com/torch
FLAVOR
matrix: {os: [ubuntu22.04], python: ["3.12"], cuda: ["13.6"], torch: ["2.16"]}
"""


@pytest.fixture
def envbuild(tmp_path):
    """Types into envbuild, with an overlay."""

    def typed(overlay: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "facts.yaml").write_text(overlay)
        env = {**os.environ, "ENVBUILD_FACTS": str(tmp_path / "facts.yaml"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from builder.cli import main; main()", *words]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    return typed


def matrix(tmp_path: Path, flavor: str = "runtime") -> str:
    (tmp_path / "matrix.yaml").write_text(MATRIX.replace("FLAVOR", f"flavor: {flavor}"))
    return "matrix.yaml"


@pytest.mark.parametrize("overlay", [AHEAD, KERNELS], ids=["no kernels", "kernels"])
@pytest.mark.parametrize("machine", ["server-h200", "no-driver", "xeon"])
def test_a_cuda_that_the_tables_lack_is_no_bug(envbuild, overlay, machine) -> None:
    described = str(MACHINES / f"{machine}.yaml")
    assert envbuild(overlay, "doctor", "--simulate", described).returncode in (0, 1)
    assert envbuild(overlay, "init", "own.yaml", "--force", "--simulate", described).returncode == 0
    assert envbuild(overlay, "plan", "own.yaml").returncode == 0


NO_VISION = AHEAD.replace("    torchvision: [0.30.0]\n", "")
WHY = {
    "xeon": (NO_VISION, "no torchvision is known to go with torch 2.16.0"),
    "no-driver": (AHEAD, "for which GPUs torch 2.16.0+cu136 has kernels is not in these tables"),
    "server-h200": (KERNELS, "which driver CUDA 13.6 needs is not in these tables, and there is 580"),
    "two-kinds": (AHEAD.replace("[cpu, cu136]", "[cpu]"), "it has no build for this machine"),
}


@pytest.mark.parametrize("machine", WHY)
def test_why_a_newer_torch_is_not_advised_is_told_as_it_is(tmp_path, machine) -> None:
    overlay, told = WHY[machine]
    (tmp_path / "facts.yaml").write_text(overlay)
    advice = advise(machines.load(MACHINES / f"{machine}.yaml"), facts.load_with(tmp_path / "facts.yaml"))
    assert advice.torch != "2.16.0"
    assert f"not 2.16.0: {told}" in dict(advice.why)["torch"]


def test_a_newer_torch_is_advised_for_a_gpu_as_soon_as_its_kernels_are_told(tmp_path) -> None:
    (tmp_path / "facts.yaml").write_text(KERNELS.replace("7.0, 9.0", "10.0, 9.0"))
    advice = advise(machines.load(MACHINES / "no-driver.yaml"), facts.load_with(tmp_path / "facts.yaml"))
    assert (advice.torch, advice.cuda) == ("2.16.0", "13.6")
    assert "which driver CUDA 13.6 needs is not in the tables" in dict(advice.why)["driver"]


def test_such_a_cell_can_be_built_and_its_driver_is_unknown(envbuild, tmp_path) -> None:
    name = matrix(tmp_path)
    ran = envbuild(AHEAD, "plan", name, "--format", "json", "--driver", "580", "--gpu", "H200")
    (cell,) = json.loads(ran.stdout)["cells"]
    assert (ran.returncode, cell["verdict"]) == (0, "possible")
    told = {reason["rule"]: reason["message"] for reason in cell["reasons"]}
    assert told["driver_floor"] == "which driver CUDA 13.6 needs on the host is not in these tables"
    there = {reason["rule"]: reason["weight"] for reason in cell["there"]}
    assert there == {"driver_unknown": "warning", "gpu_unknown": "warning"}
    explained = envbuild(AHEAD, "explain", cell["id"])
    assert (explained.returncode, "possible" in explained.stdout) == (0, True)
    assert envbuild(AHEAD, "facts", "show", cell["id"]).returncode == 0


def test_whether_nvidia_has_an_image_of_it_is_unknown(envbuild, tmp_path) -> None:
    ran = envbuild(AHEAD, "plan", matrix(tmp_path, "devel"), "--format", "json")
    (cell,) = json.loads(ran.stdout)["cells"]
    assert [r["rule"] for r in cell["reasons"] if r["weight"] == "unknown"] == ["devel_unconfirmed"]
