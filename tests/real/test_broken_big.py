"""numpy 2 beside a torch that was built for numpy 1, for real: some 800 MB, so only by name."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from interpreter import mirror, with_its_own_prefix
from main_job import Ended, Job, checks

pytest_plugins = ("main_job_fixtures",)
pytestmark = [pytest.mark.real, pytest.mark.big, pytest.mark.timeout(3600)]

CELL = "debian12-py3.10-cu102-torch1.12.1"
AXES = {"os": ["debian12"], "python": ["3.10"], "cuda": ["10.2"], "torch": ["1.12.1"]}
LEVEL = ("--level", "static", "--no-gpus", "--allow", "no-gpu", "--json", "-q")


@dataclass(frozen=True, kw_only=True)
class Old:
    """An image with torch 1.12 as envbuild makes it: the tables keep numpy below 2."""

    job: Job
    matrix: Path
    ended: Ended

    @property
    def record(self) -> Path:
        return self.job.folder / ".envbuild" / self.matrix.stem / CELL / "image.json"


@pytest.fixture(scope="module")
def old(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Old:
    listing = mirror(tmp_path_factory.mktemp("mirror"), with_its_own_prefix("3.10"))
    matrix = job.matrix("old", matrix=AXES, python={"provider": "standalone"})
    ended = job.run("up", matrix, *LEVEL, env={"UV_PYTHON_DOWNLOADS_JSON_URL": str(listing)})
    return Old(job=job, matrix=matrix, ended=ended)


def test_what_envbuild_makes_has_a_numpy_that_fits(old: Old) -> None:
    assert old.ended.code == 0, old.ended.out + old.ended.err
    cell = old.ended.cells[CELL]
    assert dict(cell["image"]["packages"])["numpy"].startswith("1.")
    assert "numpy.bridge" in checks(cell, "pass")
    assert checks(cell, "fail", "error") == {}


def test_numpy_2_in_its_place_is_caught(old: Old, tmp_path: Path) -> None:
    wanted = ("numpy==2.2.6", "--no-deps", "--only-binary", ":all:", "--python-version", "3.10")
    command = [sys.executable, "-m", "pip", "download", "-q", *wanted, "-d", str(tmp_path)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("numpy-*.whl")
    record = json.loads(old.record.read_text())
    (tag,) = record["value"]["tags"]
    carried = old.job.derive(tag, files={f"/wheels/{wheel.name}": wheel}, user="0")
    old.job.engine.tag(carried, f"{old.job.name}/carried:1")
    image = old.job.derive(
        f"{old.job.name}/carried:1", f"RUN python -m pip install --no-deps /wheels/{wheel.name}"
    )
    old.job.engine.tag(image, tag)
    record["value"] |= {"id": image, "stored": image}
    old.record.write_text(json.dumps(record))
    ended = old.job.run("verify", old.matrix, *LEVEL)
    assert ended.code == 1
    cell = ended.cells[CELL]
    assert cell["outcome"] == "failed"
    assert "Numpy is not available" in checks(cell, "fail")["numpy.bridge"]
    assert "torch.import" in checks(cell, "pass")
