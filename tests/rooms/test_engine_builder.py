"""Which of its builders an engine is asked for."""

import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from engine_daemon import lines, refusal, serve

from builder.engine import connect
from builder.engine.api import BuildRequest, Entry
from builder.errors import CellError, OutsideError

DONE = lines({"aux": {"ID": "sha256:1"}}, {"stream": "Successfully built 1\n"})
DOCKERFILE = b"FROM scratch\nRUN --mount=type=bind,source=a,target=/b true\n"
REQUEST = BuildRequest(
    context=(Entry(path="Dockerfile", content=DOCKERFILE),),
    target=None,
    args={},
    labels={},
    network="none",
    tag=None,
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def daemon():
    folder = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))
    with serve(folder) as found:
        yield found
    shutil.rmtree(folder)


def build(daemon, *, times: int = 1) -> str:
    engine = connect(daemon.address)
    try:
        return [engine.build(REQUEST, lambda progress: None, threading.Event()) for _ in range(times)][-1]
    finally:
        engine.close()


def versions(daemon) -> list[str]:
    return [request.query.get("version", ["classic"])[0] for request in daemon.to("/build")]


def test_buildkit_unless_told_otherwise(daemon, monkeypatch):
    monkeypatch.delenv("ENVBUILD_BUILDER", raising=False)
    daemon.answers["/build"] = DONE
    assert build(daemon) == "sha256:1"
    assert versions(daemon) == ["2"]
    assert b"--mount" in daemon.to("/build")[0].body


def test_the_classic_builder_when_told(daemon, monkeypatch):
    monkeypatch.setenv("ENVBUILD_BUILDER", "classic")
    daemon.answers["/build"] = DONE
    assert build(daemon) == "sha256:1"
    assert versions(daemon) == ["classic"]
    assert b"--mount" not in daemon.to("/build")[0].body
    assert b"COPY a /b" in daemon.to("/build")[0].body


def test_a_daemon_without_buildkit_is_asked_for_it_once(daemon, monkeypatch):
    monkeypatch.delenv("ENVBUILD_BUILDER", raising=False)

    def answer(request):
        return (
            refusal(500, "buildkit is not supported by this daemon") if "version" in request.query else DONE
        )

    daemon.answers["/build"] = answer
    assert build(daemon, times=3) == "sha256:1"
    assert versions(daemon).count("classic") == 3
    assert versions(daemon).count("2") == 2, "the build, and a look whether it really is so"


def test_a_failure_of_buildkit_is_no_reason_for_the_classic_builder(daemon, monkeypatch):
    monkeypatch.delenv("ENVBUILD_BUILDER", raising=False)
    trace = lines({"id": "moby.buildkit.trace", "aux": ""})
    daemon.answers["/build"] = [refusal(500, "buildkit: no space left on device"), trace]
    with pytest.raises(OutsideError, match="no space left"):
        build(daemon)
    assert "classic" not in versions(daemon)


def test_a_dockerfile_that_the_classic_builder_cannot_read_is_the_cells_fault(daemon, monkeypatch):
    monkeypatch.setenv("ENVBUILD_BUILDER", "classic")
    daemon.answers["/build"] = refusal(400, "dockerfile parse error line 2: unknown instruction: RUNNING")
    with pytest.raises(CellError, match="unknown instruction"):
        build(daemon)
