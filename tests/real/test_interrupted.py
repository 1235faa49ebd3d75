"""Runs that are called off: exit code 130, no container, no tag, no traceback, nothing to mend."""

import hashlib
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from main_job import CELL, HANG, PATIENCE, ROOT, Ended, Job, Passed, becomes, becomes_true, fake
from small_wheels import offered

from builder.image import system
from tests.rooms.content_wheels import wheel as wheel_of
from tests.rooms.source_server import Server, reply, wheel

STAGES = system.REPOSITORY
LONG_SOURCE = "".join(f"value_{number} = [{number}, {number} + 1]\n" for number in range(20_000))
pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

INSTALLING = {
    "os": ("os/debian.j2", "set -eu; umask 022; export DEBIAN_FRONTEND"),
    "env": ("env/uv.j2", "set -eu; umask 022;"),
}


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read what the command says up to a line with these words."""
    said = ""
    assert process.stderr
    for line in process.stderr:
        said += line
        if words in line:
            return said
    pytest.fail(f"it ended before it said {words!r}: {said}")


def call_off(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Ctrl-C reaches the whole process group, as from a terminal; SIGTERM the command alone, as from CI."""
    if number is signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def end_of(process: subprocess.Popen[str]) -> Ended:
    """How it then ends."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(code=process.returncode, out=out, err=err)


def assert_clean(ended: Ended, job: Job, name: str, folder: Path) -> None:
    """Nothing half-made is left: no tag, no record, no temporary file."""
    assert ended.code == 130, ended.out + ended.err
    assert not ended.traceback
    assert "interrupted" in ended.err
    assert job.tags(name) == []
    assert not (job.folder / ".envbuild" / name / CELL / "image.json").exists()
    assert list(folder.iterdir()) == []
    layers = job.folder / "store" / "layers"
    assert [*layers.glob("making/*"), *layers.glob("scratch/work-*")] == []


def os_containers(job: Job) -> list[str]:
    """Ids of the containers of `os` stages."""
    return [each for name in job.kept() if name.startswith(STAGES) for each in job.containers(name)]


def sleeping(folder: Path, stage: str) -> tuple[Path, str, str]:
    """Templates whose installing says a word, then sleeps for very long: folder, word, how long."""
    name, begins = INSTALLING[stage]
    word, long = f"asleep-{uuid.uuid4().hex}", f"86399.{uuid.uuid4().int % 10**9}"
    path = folder / name
    path.parent.mkdir(parents=True)
    text = (ROOT / "templates" / name).read_text()
    assert text.count(begins) == 1
    # The quotes tell the word that is printed from the same word in the step that is shown.
    path.write_text(text.replace(begins, f"echo {word[:9]}''{word[9:]}; sleep {long}; {begins}"))
    return folder, word, long


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("stage", ["os", "env"])
def test_a_build_is_called_off(passed: Passed, tmp_path: Path, stage: str, number: signal.Signals) -> None:
    job, name = passed.job, f"off-{stage}-{number.name.lower()}"
    templates, word, long = sleeping(tmp_path / "templates", stage)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = ("up", job.matrix(name), "--templates", templates, "-v")
    with job.start(*command, env={"TMPDIR": str(scratch)}) as process:
        until(process, word)
        assert becomes(True, long)  # the shell says the word a moment before it starts to sleep
        call_off(process, number)
        ended = end_of(process)
    assert_clean(ended, job, name, scratch)
    assert becomes(False, long)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_lock_is_called_off(passed: Passed, tmp_path: Path, number: signal.Signals) -> None:
    """While a container asks the distribution for its packages; a lock is whole or not there."""
    job, name = passed.job, f"off-lock-{number.name.lower()}"
    matrix = job.matrix(name)
    with job.start("up", matrix, env={"TMPDIR": str(tmp_path)}) as process:
        until(process, "lock: packages of debian12")
        assert becomes_true(lambda: job.containers(passed.base))
        call_off(process, number)
        ended = end_of(process)
    assert_clean(ended, job, name, tmp_path)
    assert job.containers(passed.base) == []
    assert not matrix.with_name(f"{name}.lock.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_compiling_is_called_off(passed: Passed, tmp_path: Path, number: signal.Signals) -> None:
    """Byte code is compiled in a container, too; it is gone with the run."""
    job, name = passed.job, f"off-compile-{number.name.lower()}"
    env = {**offered(tmp_path / "wheels"), "TMPDIR": str(tmp_path / "scratch")}
    (tmp_path / "scratch").mkdir()
    wheel_of(tmp_path / "wheels", "wordy", {f"wordy/m{number}.py": LONG_SOURCE for number in range(40)})
    matrix = job.matrix(name, packages={"pip": ["wordy"]})
    with job.start("up", matrix, env=env) as process:
        until(process, "layer of byte code of pip, torch and 1 more")
        assert becomes_true(lambda: os_containers(job))
        call_off(process, number)
        ended = end_of(process)
    assert_clean(ended, job, name, tmp_path / "scratch")
    assert os_containers(job) == []


def test_what_was_called_off_comes_through_when_it_is_run_again(passed: Passed, tmp_path: Path) -> None:
    """With a lock made anew, for the page is another one now."""
    job, matrix = passed.job, passed.job.matrix("again")
    templates, word, _ = sleeping(tmp_path, "env")
    with job.start("build", matrix, "--templates", templates, "-v") as process:
        until(process, word)
        call_off(process, signal.SIGINT)
        assert end_of(process).code == 130
    assert job.run("lock", matrix).code == 0
    ended = job.run("build", matrix)
    assert ended.code == 0, ended.out + ended.err
    assert job.tags("again") == [f"{job.name}/again:{CELL}"]


@pytest.fixture
def stalling() -> Iterator[tuple[Server, threading.Event, Callable[[], None]]]:
    """An index with a package whose download stops; told to go on, it trickles."""
    reached, go, never = threading.Event(), threading.Event(), threading.Event()
    name, _ = wheel("slow", "1.0")

    def file(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**40))
        handler.end_headers()
        handler.wfile.write(b"x" * 2**20)
        reached.set()
        go.wait(PATIENCE)
        with suppress(OSError):  # until the command hangs up
            while not never.wait(0.02):
                handler.wfile.write(b"x" * 2**18)
        handler.close_connection = True

    metadata = b"Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n"
    at = f"/files/{name}#sha256={hashlib.sha256().hexdigest()}"
    link = f'<a href="{at}" data-dist-info-metadata="true" data-core-metadata="true">{name}</a>'
    with Server() as server:
        server.routes["/simple/slow/"] = link.encode()
        server.routes[f"/files/{name}.metadata"] = lambda handler: reply(handler, 200, metadata)
        server.routes[f"/files/{name}"] = file
        yield server, reached, go.set
        go.set()
        never.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_download_is_called_off(passed: Passed, stalling, tmp_path: Path, number: signal.Signals) -> None:
    server, reached, go_on = stalling
    job, name = passed.job, f"off-fetch-{number.name.lower()}"
    matrix = job.matrix(name, packages={"pip": ["numpy", "slow"]})
    env = {"PIP_EXTRA_INDEX_URL": f"{server.url}/simple", "TMPDIR": str(tmp_path)}
    with job.start("up", matrix, env=env) as process:
        assert reached.wait(PATIENCE)
        call_off(process, number)
        go_on()
        ended = end_of(process)
    assert_clean(ended, job, name, tmp_path)
    assert "build: " not in ended.err


@pytest.fixture(scope="module")
def hanging(passed: Passed) -> str:
    """An image in which torch never ends to be imported."""
    lines, files = fake(HANG)
    return passed.job.derive(passed.tag, *lines, files=files)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["SIGINT", "SIGTERM", "SIGHUP"]
)
def test_a_verification_is_called_off(passed: Passed, hanging: str, number: signal.Signals) -> None:
    job, matrix = passed.job, passed.judged_as(hanging)
    with job.start("verify", matrix, "-v") as process:
        until(process, "verify: torch.import")
        assert len(job.containers(hanging)) == 1
        call_off(process, number)
        ended = end_of(process)
    assert ended.code == 130
    assert not ended.traceback
    assert job.containers(hanging) == []
    assert not (job.folder / ".envbuild" / matrix.stem / CELL / "verification.json").exists()


def test_the_verification_of_any_image_is_called_off(passed: Passed, hanging: str) -> None:
    job = passed.job
    with job.start("verify", hanging, "-v") as process:
        until(process, "verify: torch.import")
        call_off(process, signal.SIGINT)
        ended = end_of(process)
    assert (ended.code, ended.out) == (130, "")
    assert not ended.traceback
    assert job.containers(hanging) == []


def test_what_a_killed_run_leaves_the_next_one_removes(passed: Passed, hanging: str) -> None:
    job = passed.job
    with job.start("verify", passed.judged_as(hanging), "-v") as process:
        until(process, "verify: torch.import")
        os.killpg(process.pid, signal.SIGKILL)
    assert len(job.containers(hanging)) == 1
    job.run("verify", passed.base, "-q")
    assert job.containers(hanging) == []
