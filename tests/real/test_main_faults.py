"""Runs that cannot come through: each says what went wrong and what to do, and leaves nothing half-made."""

import json
import shutil
import uuid
from pathlib import Path

import pytest
from interpreter import mirror, with_its_own_prefix
from main_job import CELL, ROOT, Ended, Job, Passed, becomes
from small_wheels import offered

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

THIRTEEN = "debian13-py3.11-cpu-torch2.13.0"
ONLY_TWELVE_HAS = "python3.11-minimal"  # a package of Debian 12 that Debian 13 has no more
BEGINS = "set -eu; umask 022; export DEBIAN_FRONTEND"  # of the step that installs


@pytest.fixture(scope="module")
def small(job: Job) -> dict[str, str]:
    """Where a standalone Python and small wheels come from."""
    folder = job.folder / "faults"
    folder.mkdir()
    found = offered(folder / "wheels")
    return {**found, "UV_PYTHON_DOWNLOADS_JSON_URL": str(mirror(folder, with_its_own_prefix("3.11")))}


def two_cells(job: Job, name: str, *system: str) -> Path:
    """Debian 13 and 12."""
    axes = {"os": ["debian13", "debian12"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]}
    packages = {"pip": ["small"], "system": list(system)}
    return job.matrix(name, matrix=axes, packages=packages, python={"provider": "standalone"})


def templates(folder: Path, cases: dict[str, str]) -> Path:
    """Templates whose step that installs does something else before, by Debian's version."""
    path = folder / "templates" / "os" / "debian.j2"
    path.parent.mkdir(parents=True)
    text = (ROOT / "templates" / "os" / "debian.j2").read_text()
    assert text.count(BEGINS) == 1
    cased = " ".join(f"{version}) {line};;" for version, line in cases.items())
    path.write_text(text.replace(BEGINS, f'. /etc/os-release; case "$VERSION_ID" in {cased} esac; {BEGINS}'))
    return folder / "templates"


def told_of_the_build(ended: Ended, job: Job, name: str) -> None:
    """What a user needs of a build that failed: cell, step, last lines, hint, the log's path."""
    _, _, told = ended.out.partition(f"\n{THIRTEEN}: failed\n")
    assert "[os " in told  # the step
    assert "nothing for thirteen" in told
    assert "hint: check packages.system" in told
    log = Path(told.partition("log: ")[2].splitlines()[0])
    assert log == Path(f".envbuild/{name}/{THIRTEEN}/build.log")
    assert "\nnothing for thirteen\n" in (job.folder / log).read_text()


def test_a_package_that_one_system_has_not_ends_all_before_anything_is_built_if_that_is_wanted(
    job: Job, small: dict[str, str]
) -> None:
    ended = job.run("build", two_cells(job, "unknown", ONLY_TWELVE_HAS), "--fail-fast", env=small)
    assert (ended.code, ended.out) == (1, "")
    assert (
        f"the packages of debian13 cannot be pinned: E: Unable to locate package {ONLY_TWELVE_HAS}"
        in ended.err
    )
    assert f"cell: {THIRTEEN}" in ended.err
    assert "hint: check packages.system: debian13 has no such package" in ended.err
    assert not list(job.folder.glob(".envbuild/unknown/*/build.log"))
    assert not ended.traceback


def test_a_package_that_one_system_has_not_is_that_cell_s_own_failure(
    job: Job, small: dict[str, str]
) -> None:
    ended = job.run("build", two_cells(job, "partly", ONLY_TWELVE_HAS), env=small)
    assert ended.code == 1
    rows = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith("debian")}
    assert (rows[THIRTEEN], rows[CELL]) == ("failed", "done")
    assert f"Unable to locate package {ONLY_TWELVE_HAS}" in ended.out
    assert list(json.loads((job.folder / "partly.lock.json").read_text())["cells"]) == [CELL]


def test_the_cells_that_can_be_locked_are_built_by_name(job: Job, small: dict[str, str]) -> None:
    """The lock then holds them, and not the other."""
    matrix = two_cells(job, "known", ONLY_TWELVE_HAS)
    ended = job.run("build", matrix, "--only", "debian12*", env=small)
    assert ended.code == 0, ended.err
    assert job.tags("known") == [f"{job.name}/known:{CELL}"]
    assert list(json.loads((job.folder / "known.lock.json").read_text())["cells"]) == [CELL]


def test_a_cell_that_does_not_build_is_told_and_the_other_goes_on(
    job: Job, small: dict[str, str], tmp_path: Path
) -> None:
    own = templates(tmp_path, {"13": "echo nothing for thirteen >&2; exit 7"})
    ended = job.run("build", two_cells(job, "halves"), "-j", 1, "--templates", own, env=small)
    assert ended.code == 1
    assert not ended.traceback
    rows = {line.split()[0]: line.split()[1] for line in ended.out.splitlines() if line.startswith("debian")}
    assert rows == {THIRTEEN: "failed", CELL: "done", f"{THIRTEEN}:": "failed"}
    told_of_the_build(ended, job, "halves")
    assert job.tags("halves") == [f"{job.name}/halves:{CELL}"]
    assert not (job.folder / ".envbuild/halves" / THIRTEEN / "image.json").exists()


def test_fail_fast_calls_the_others_off(job: Job, small: dict[str, str], tmp_path: Path) -> None:
    """Debian 12's step would never end."""
    long = f"86399.{uuid.uuid4().int % 10**9}"
    own = templates(tmp_path, {"13": "exit 7", "12": f"sleep {long}"})
    matrix = two_cells(job, "hasty")
    ended = job.run("up", matrix, "-j", 3, "--fail-fast", "--json", "--templates", own, env=small)
    assert ended.code == 1
    outcomes = {cell: one["outcome"] for cell, one in ended.cells.items()}
    assert outcomes == {THIRTEEN: "failed", CELL: "cancelled"}
    assert job.tags("hasty") == []
    assert becomes(False, long)


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


def test_a_torch_that_no_index_has_is_told_before_anything_is_fetched(passed: Passed) -> None:
    """An empty folder is all that pip's settings name, so that this is so on every machine."""
    job = passed.job
    (job.folder / "nothing").mkdir(exist_ok=True)
    store = job.folder / "untouched"
    if (job.folder / "store" / "bootstrap").exists():  # a base that is made takes its time, once
        shutil.copytree(job.folder / "store" / "bootstrap", store / "bootstrap")
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(job.folder / "nothing"), "ENVBUILD_STORE": str(store)}
    axes = {"os": ["debian12"], "python": ["3.12"], "cuda": ["cpu"], "torch": ["2.13"]}
    ended = job.run("up", job.matrix("absent", matrix=axes, python={"provider": "standalone"}), env=env)
    assert (ended.code, ended.out) == (1, "")
    assert not ended.traceback
    assert "torch" in ended.err.partition("error: ")[2].splitlines()[0]
    assert "cell: debian12-py3.12-cpu-torch2.13.0" in ended.err
    assert "hint: PyTorch's index https://download.pytorch.org/whl/cpu does not answer from here" in ended.err
    assert "build: " not in ended.err
    assert not (job.folder / "absent.lock.json").exists()
    assert list(store.rglob("*.whl")) == []


def test_packages_that_exclude_one_another_are_told(job: Job) -> None:
    """torch 1.12 needs numpy 1: the tables know, and a matrix that asks for numpy 2 is told so."""
    axes = {"os": ["debian12"], "python": ["3.10"], "cuda": ["10.2"], "torch": ["1.12.1"]}
    changes = {"matrix": axes, "python": {"provider": "standalone"}, "packages": {"pip": ["numpy>=2"]}}
    ended = job.run("build", job.matrix("quarrel", **changes), "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "numpy" in ended.err.partition("error: ")[2]
    assert "cell: debian12-py3.10-cu102-torch1.12.1" in ended.err
    assert not ended.traceback


def test_a_wrong_matrix_touches_no_engine(job: Job) -> None:
    matrix = job.matrix("wrong", nonsense="x")
    ended = job.run("up", matrix, "--engine", f"unix://{job.folder}/no.sock")
    assert (ended.code, ended.out) == (2, "")
    assert f"{matrix}:1:" in ended.err
    assert "nonsense" in ended.err
