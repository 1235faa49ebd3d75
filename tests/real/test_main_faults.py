"""Runs that cannot come through: each says what went wrong and what to do, and leaves nothing half-made."""

import json
from pathlib import Path

import pytest
from interpreter import mirror, with_its_own_prefix
from main_job import CELL, Ended, Job, Passed

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

THIRTEEN = "debian13-py3.11-cpu-torch2.13.0"
ONLY_TWELVE_HAS = "python3.11-minimal"  # a package of Debian 12 that Debian 13 has no more


@pytest.fixture(scope="module")
def standalone(job: Job) -> dict[str, str]:
    """Where a standalone Python comes from."""
    folder = job.folder / "faults-mirror"
    folder.mkdir()
    return {"UV_PYTHON_DOWNLOADS_JSON_URL": str(mirror(folder, with_its_own_prefix("3.11")))}


def two_cells(job: Job, name: str, *, first: str) -> Path:
    """Debian 13 and 12 with a system package that only 12 has; `first` is the cell to begin with."""
    names = ["debian12", "debian13"] if first == "debian12" else ["debian13", "debian12"]
    axes = {"os": names, "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]}
    packages = {"pip": ["numpy"], "system": [ONLY_TWELVE_HAS]}
    return job.matrix(name, matrix=axes, packages=packages, python={"provider": "standalone"})


def told_of_the_build(ended: Ended, job: Job, name: str) -> None:
    """What a user needs of a build that failed: cell, step, last lines, hint, the log's path."""
    _, _, told = ended.out.partition(f"\n{THIRTEEN}: failed\n")
    assert "[os " in told  # the step
    assert f"Unable to locate package {ONLY_TWELVE_HAS}" in told
    assert "hint: check packages.system" in told
    log = Path(told.partition("log: ")[2].splitlines()[0])
    assert log == Path(f".envbuild/{name}/{THIRTEEN}/build.log")
    assert "Unable to locate package" in (job.folder / log).read_text()


def test_a_cell_that_does_not_build_is_told_and_the_other_goes_on(
    job: Job, standalone: dict[str, str]
) -> None:
    ended = job.run("build", two_cells(job, "halves", first="debian13"), "-j", 1, env=standalone)
    assert ended.code == 1
    assert not ended.traceback
    rows = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith("debian")}
    assert rows == {THIRTEEN: "failed", CELL: "done", f"{THIRTEEN}:": "failed"}
    told_of_the_build(ended, job, "halves")
    assert job.tags("halves") == [f"{job.name}/halves:{CELL}"]
    assert not (job.folder / ".envbuild/halves" / THIRTEEN / "image.json").exists()


def test_fail_fast_does_not_begin_another(job: Job, standalone: dict[str, str]) -> None:
    matrix = two_cells(job, "hasty", first="debian13")
    ended = job.run("up", matrix, "-j", 1, "--fail-fast", "--json", env=standalone)
    assert ended.code == 1
    assert {cell: one["outcome"] for cell, one in ended.cells.items()} == {
        THIRTEEN: "failed",
        CELL: "skipped",
    }
    assert f"{CELL}: build" not in ended.err
    assert job.tags("hasty") == []


def test_an_image_over_its_budget_gets_no_tag(passed: Passed) -> None:
    ended = passed.job.run("up", passed.job.matrix("thrifty", budget={"size": "500MB"}))
    assert ended.code == 1
    assert "GB, its budget is 0.50 GB" in ended.out
    assert "hint: raise budget.size, or take packages away" in ended.out
    assert passed.job.tags("thrifty") == []
    assert "verify" not in ended.err


@pytest.mark.parametrize("named", ["option", "variable"])
def test_an_engine_that_does_not_answer_is_an_outside_failure(job: Job, named: str) -> None:
    matrix, url = job.matrix("nowhere"), f"unix://{job.folder}/no.sock"
    option = ["--engine", url] if named == "option" else []
    ended = job.run("up", matrix, *option, env={"DOCKER_HOST": url})
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("error: no container engine answers; tried\n")
    assert f"{url} ({'as told' if named == 'option' else 'DOCKER_HOST'}): no such socket" in ended.err
    assert "hint: start an engine" in ended.err
    assert not ended.traceback


def test_a_torch_that_no_index_has_is_told_before_anything_is_fetched(job: Job) -> None:
    """An empty folder is all that pip's settings name, so that this is so on every machine."""
    (job.folder / "nothing").mkdir(exist_ok=True)
    store = job.folder / "untouched"
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(job.folder / "nothing"), "ENVBUILD_STORE": str(store)}
    axes = {"os": ["debian12"], "python": ["3.12"], "cuda": ["cpu"], "torch": ["2.13"]}
    ended = job.run("up", job.matrix("absent", matrix=axes, python={"provider": "standalone"}), env=env)
    assert ended.code == 1
    assert not ended.traceback
    assert "debian12-py3.12-cpu-torch2.13.0: failed" in ended.out
    assert "torch" in ended.out.partition("error: ")[2].splitlines()[0]
    assert "hint: PyTorch's index https://download.pytorch.org/whl/cpu does not answer from here" in ended.out
    assert "fetch failed" in ended.err
    assert "build: " not in ended.err
    assert [path for path in store.rglob("*") if path.is_file()] == []


def test_packages_that_exclude_one_another_are_told(job: Job) -> None:
    """torch 1.12 needs numpy 1: the tables know, and a matrix that asks for numpy 2 is told so."""
    axes = {"os": ["debian12"], "python": ["3.10"], "cuda": ["10.2"], "torch": ["1.12.1"]}
    changes = {"matrix": axes, "python": {"provider": "standalone"}, "packages": {"pip": ["numpy>=2"]}}
    ended = job.run("build", job.matrix("quarrel", **changes), "--json")
    assert ended.code == 1
    (problem,) = next(iter(ended.cells.values()))["problems"]
    assert "numpy" in json.dumps(problem)
    assert not ended.traceback


def test_a_wrong_matrix_touches_no_engine(job: Job) -> None:
    matrix = job.matrix("wrong", nonsense="x")
    ended = job.run("up", matrix, "--engine", f"unix://{job.folder}/no.sock")
    assert (ended.code, ended.out) == (2, "")
    assert f"{matrix}:1:" in ended.err
    assert "nonsense" in ended.err
