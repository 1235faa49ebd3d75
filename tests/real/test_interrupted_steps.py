"""Killed in the middle of each step, and run again: the same image, and nothing is done again but that step.

SIGKILL leaves no time to clean up: what the killed run left behind is dealt with by the next one.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pytest
from main_job import CELL, Job
from supplied import BALLAST, BUILDKIT, Supplied, bring, build, is_the_same, log

from builder.image.carrier import REPOSITORY as ENVIRONMENTS
from builder.layer.cache import Layers
from builder.layer.pruning import usage
from tests.rooms.source_server import Server, ranged

pytest_plugins = ("supplied_fixtures",)
pytestmark = pytest.mark.real

PATIENCE = 300  # seconds for what is waited for; a busy machine takes its time
ARRIVED = 2**20  # bytes of the wheel that come before the download stops
WRITTEN = 2**24  # bytes of the layer that are written before the kill


class Stamp(NamedTuple):
    """Which file it is, and when it was written: another one, or one that was written again, differs."""

    inode: int
    written: int


def stamps(folder: Path, pattern: str) -> dict[str, Stamp]:
    """The files there, but those whose names begin with a dot."""
    return {
        str(path.relative_to(folder)): Stamp(path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".")
    }


def files(job: Job) -> dict[str, Stamp]:
    """What was fetched whole."""
    return stamps(job.folder / "store" / "sha256", "*/*/*")


def layers(job: Job) -> dict[str, Stamp]:
    """What was made whole."""
    return stamps(job.folder / "store" / "layers" / "blobs", "*.tar")


def labels(job: Job) -> set[str]:
    """What the whole layers hold, in the words of a log."""
    return {use.label for use in usage(Layers(root=job.folder / "store"))}


def making(job: Job) -> list[Path]:
    """Layers that are being written, or were when somebody was killed."""
    found = (job.folder / "store" / "layers").glob("making/*/.writing-*.tar")
    with suppress(FileNotFoundError):  # it has just been finished
        return [path for path in found if path.stat().st_size > WRITTEN]
    return []


def begun(
    supplied: Supplied, job: Job, env: dict[str, str] | None = None
) -> AbstractContextManager[subprocess.Popen[str]]:
    """The build at work."""
    matrix = job.folder / supplied.matrix.name
    return job.start("build", matrix, "--out", job.folder / "out", "-v", env=env)


def kill(process: subprocess.Popen[str]) -> None:
    """At once, with everything that it started on this machine."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def until(holds: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what the command does on this machine."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process.poll() is None, f"it ended before that: {process.communicate()}"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def until_said(words: str, process: subprocess.Popen[str]) -> None:
    """Wait for a line of the command."""
    said = ""
    assert process.stderr
    for line in process.stderr:
        said += line
        if words in line:
            return
    pytest.fail(f"it ended before it said {words!r}: {said}")


@pytest.fixture
def links(supplied: Supplied) -> Iterator[tuple[Server, threading.Event]]:
    """A page of links with the ballast, whose download stops in the middle until the event is set."""
    (wheel,) = (supplied.mirror / "sha256").glob(f"*/*/{BALLAST}")
    content = wheel.read_bytes()
    whole, release = ranged(content), threading.Event()

    def file(handler: BaseHTTPRequestHandler) -> None:
        if release.is_set():
            whole(handler)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:ARRIVED])
        release.wait(PATIENCE)
        handler.close_connection = True

    with Server() as server:
        server.routes["/links/"] = f'<a href="/files/{BALLAST}">{BALLAST}</a>'.encode()
        server.routes[f"/files/{BALLAST}"] = file
        yield server, release
        release.set()


def test_killed_while_a_wheel_is_fetched(
    supplied: Supplied, links: tuple[Server, threading.Event], tmp_path: Path
) -> None:
    """What has arrived of it is not sent again, nor is any other file."""
    server, release = links
    (sha256,) = (path.parent.name for path in supplied.mirror.glob(f"sha256/*/*/{BALLAST}"))
    found = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{server.url}/links/"}
    env = {**found, "ENVBUILD_OFFLINE": "0"}
    with supplied.place(tmp_path, mirror=supplied.lent(tmp_path / "lent", BALLAST)) as job:
        bring(supplied, job)
        with begun(supplied, job, env) as process:
            part = job.folder / "store/sha256" / sha256[:2] / sha256 / ".partial"
            until(lambda: part.exists() and part.stat().st_size, process)
            kill(process)
        before = files(job)
        assert before
        release.set()
        is_the_same(supplied, job, build(supplied, job, env=env))
        assert before.items() < files(job).items()
    sent = [headers.get("range") for path, headers in server.asked if path.startswith("/files/")]
    assert sent[0] is None
    assert len(sent) == 2
    start = int((sent[1] or "").removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= ARRIVED


def test_killed_while_the_engine_builds(supplied: Supplied, tmp_path: Path) -> None:
    """Amid the system's packages: the step is begun anew. The carriers that were made meanwhile serve."""
    with supplied.place(tmp_path) as job:
        bring(supplied, job)
        with begun(supplied, job, BUILDKIT) as process:
            until_said("  Unpacking ", process)
            kill(process)
        before, known = layers(job), labels(job)
        is_the_same(supplied, job, build(supplied, job, env=BUILDKIT))
        assert "Unpacking " in log(job)
        not_again(job, before, known)


def test_killed_while_a_layer_is_written(supplied: Supplied, tmp_path: Path) -> None:
    """Half a layer is none: it is written again, and only it."""
    with supplied.place(tmp_path) as job:
        bring(supplied, job)
        with begun(supplied, job) as process:
            until(lambda: making(job), process)
            kill(process)
        assert making(job), "it was whole already"
        before, known = layers(job), labels(job)
        fetched = files(job)
        is_the_same(supplied, job, build(supplied, job))
        assert files(job) == fetched
        assert "-- layer of ballast" in log(job)
        not_again(job, before, known)


def test_killed_while_the_engine_loads(supplied: Supplied, tmp_path: Path) -> None:
    """All layers are there: they are loaded again, and nothing else is done."""
    with supplied.place(tmp_path) as job:
        bring(supplied, job)
        is_the_same(supplied, job, build(supplied, job))
        before, fetched = layers(job), files(job)
        unload(supplied, job)
        with begun(supplied, job) as process:
            until_said("load the image", process)
            kill(process)
        assert not job.tags("supplied")
        is_the_same(supplied, job, build(supplied, job))
        assert (layers(job), files(job)) == (before, fetched)
        steps = [line for line in log(job).splitlines() if line.startswith("-- ")]
        assert [step for step in steps if not step.startswith("-- load the image")] == []


def not_again(job: Job, before: dict[str, Stamp], known: set[str]) -> None:
    """What was made before the kill is the same file, and was not even begun again."""
    assert before.items() <= layers(job).items()
    told = log(job)
    assert [label for label in known if f"-- layer of {label}\n" in told] == []


def unload(supplied: Supplied, job: Job) -> None:
    """Take the image, and the one of its carriers, out of the engine."""
    lowest = supplied.image.layers[0].diff_id
    for name in (*supplied.image.tags, *(name for name in job.kept() if name.startswith(ENVIRONMENTS))):
        found = job.engine.find(name)
        if found and found.layers[0] == lowest:
            job.engine.untag(name)
    assert job.engine.find(supplied.image.id) is None
    assert (job.folder / "out" / CELL / "image.json").exists()


def test_two_at_once_share_one_cache(supplied: Supplied, tmp_path: Path) -> None:
    """Both begin with an empty store; each layer is there once at the end, and both have the same image."""
    with supplied.place(tmp_path) as job:
        bring(supplied, job)
        matrix = job.folder / supplied.matrix.name
        with (
            job.start("build", matrix, "--out", job.folder / "out", "--force") as one,
            job.start("build", matrix, "--out", job.folder / "other", "--force") as other,
        ):
            said = [process.communicate() for process in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], said
        is_the_same(supplied, job, build(supplied, job))
        assert "build kept" in build(supplied, job, env={}).err
        made = (job.folder / "other" / CELL / "image.json").read_text()
        assert supplied.image.id in made
        assert len(layers(job)) == len(supplied.image.layers)
