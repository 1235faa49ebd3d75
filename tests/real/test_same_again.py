"""One lock, one image ID: in another folder, on another day, with other settings."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import workplace
from engine_members import address
from main_job import COMMAND, ROOT, Ended, Job
from small_lock import THIRTEEN, TWELVE, Small

pytest_plugins = ("same_fixtures",)
pytestmark = pytest.mark.real
LATER = "2031-07-19 23:59:50"
PLAIN = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
# POSIX's own locale knows ASCII alone. libfaketime leaves waiting and files' times as they are.
ODD = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "POSIX",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONHASHSEED": "4711",
    "ENVBUILD_BUILDER": "classic",
    "DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
}


def built_ids(job: Job, small: Small, *, umask: int, words: tuple[str, ...], jobs: int) -> dict[str, str]:
    """The IDs after `envbuild build` there, started by `words` with that umask."""
    matrix = workplace.bring(small.matrix, job)
    workplace.forget(job, matrix)
    temporary = job.folder / "tmp"
    temporary.mkdir()
    ended = subprocess.run(
        [*words, COMMAND, "build", matrix, "--out", job.folder / "out", "-j", str(jobs)],
        cwd=job.folder,
        env={**job.env, "TMPDIR": str(temporary)},
        umask=umask,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert list(temporary.iterdir()) == []
    return {cell: built.image.id for cell, built in workplace.built(job).items()}


def in_another_order(mirror: Path, copy: Path) -> Path:
    """A mirror with the same files, written in the opposite order."""
    for path in sorted(filter(Path.is_file, mirror.rglob("*")), reverse=True):
        there = copy / path.relative_to(mirror)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
    return copy


def test_the_same_wherever_and_whenever(small: Small, tmp_path: Path) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not on this machine (scripts/test installs it as root)")
    engine, other_mirror = address("docker"), in_another_order(small.mirror, tmp_path / "mirror")
    with workplace.workplace(tmp_path / "a", engine, mirror=small.mirror, env=PLAIN) as job:
        ids = built_ids(job, small, umask=0o022, words=(), jobs=1)
    later = ("faketime", "-m", LATER)
    with workplace.workplace(tmp_path / "b c" / "deep" / "er", engine, mirror=other_mirror, env=ODD) as job:
        again = built_ids(job, small, umask=0o077, words=later, jobs=4)
        log = (job.folder / "out" / TWELVE / "build.log").read_text()
    assert "[os " not in log, "the first one's steps were taken from the engine's cache"
    assert set(ids) == {TWELVE, THIRTEEN}
    assert again == ids


def reproduce(small: Small, matrix: Path, *options: object) -> Ended:
    return small.job.run("reproduce", matrix, "--only", TWELVE, *options)


def test_reproduce_makes_the_same_twice(small: Small) -> None:
    before = workplace.names(small.job)
    ended = reproduce(small, small.matrix, "--json")
    assert ended.code == 0, ended.out + ended.err
    (cell,) = json.loads(ended.out)["cells"]
    assert (cell["cell"], cell["same"], len(set(cell["ids"]))) == (TWELVE, True, 1)
    for number in (1, 2):
        assert f"round {number}: layer of pip, small and 1 more" in ended.err
    assert {name for name in workplace.names(small.job) - before if "/base:" not in name} == set()


def test_reproduce_on_two_engines(small: Small) -> None:
    engines = ("--engine", address("docker"), "--engine", address("podman"))
    ended = reproduce(small, small.matrix, *engines)
    assert ended.code == 0, ended.out + ended.err
    assert f"{TWELVE}  same  sha256:" in ended.out
    assert "round 1 on docker" in ended.err
    assert "round 2 on podman" in ended.err


def test_reproduce_names_what_differs(small: Small, tmp_path: Path) -> None:
    """A user's own template whose stage does something else each time."""
    page = (ROOT / "templates" / "os" / "debian.j2").read_text()
    begin = "    set -eu; umask 022; export DEBIAN_FRONTEND"
    assert page.count(begin) == 1
    lines = 'date +%N > /etc/moment; mkdir "/srv/$(cat /proc/sys/kernel/random/uuid)"'
    (tmp_path / "os").mkdir()
    (tmp_path / "os" / "debian.j2").write_text(page.replace(begin, f"    {lines}; \\\n{begin}"))
    ended = reproduce(small, small.write("own"), "--templates", tmp_path)
    assert ended.code == 1, ended.out + ended.err
    assert f"{TWELVE}  differs  sha256:" in ended.out
    assert "layer of system packages of debian12" in ended.out
    assert re.search(
        r"/etc/moment: content: first differs at byte \d+, line 1: '\d{9}' and '\d{9}'", ended.out
    )
    for which in ("first", "second"):
        assert re.search(rf"/srv/[0-9a-f-]{{36}}: presence: folder, only in the {which}", ended.out)
    assert not ended.traceback
