"""Everything that an engine can get wrong, said by a scripted daemon."""

import base64
import json
import shutil
import tarfile
import tempfile
import threading
from io import BytesIO
from pathlib import Path

import pytest
from engine_daemon import Answer, Daemon, lines, refusal, serve

from builder.engine import connect
from builder.engine.api import BuildRequest, Entry, RunRequest
from builder.errors import CellError, InterruptedByUserError, OutsideError

NEVER = threading.Event()
ID = "sha256:" + "1" * 64
DONE = {"id": "moby.image.id", "aux": {"ID": ID}}
GONE = {"error": "build failed", "errorDetail": {"message": "build failed"}}
REQUEST = BuildRequest(
    context=(Entry(path="Dockerfile", content=b"FROM scratch\n"),),
    target="last",
    args={"A": "b"},
    labels={},
    network="none",
    tag="team/image:1",
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def daemon():
    folder = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))  # a socket's path has to be short
    with serve(folder) as found:
        yield found
    shutil.rmtree(folder)


@pytest.fixture
def engine(daemon, tmp_path, monkeypatch):
    config = {"auths": {host: auth(host) for host in ("registry.example.com", "other.example.com")}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = connect(daemon.address)
    yield found
    found.close()


def auth(host: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"me:secret-of-{host}".encode()).decode()}


def trace(raw: bytes) -> dict[str, str]:
    return {"id": "moby.buildkit.trace", "aux": base64.b64encode(raw).decode()}


def build(engine, daemon: Daemon, *answers: Answer) -> str:
    daemon.answers["/build"] = list(answers)
    daemon.answers[f"/images/{ID}/tag"] = Answer(status=201)
    return engine.build(REQUEST, lambda progress: None, NEVER)


def test_a_build_sends_what_was_asked_and_no_credential(engine, daemon):
    assert build(engine, daemon, lines(DONE)) == ID
    (sent,) = daemon.to("/build")
    assert sent.query["version"] == ["2"]
    assert sent.query["target"] == ["last"]
    assert json.loads(sent.query["buildargs"][0]) == {"A": "b"}
    assert "t" not in sent.query
    assert not [name for name in sent.headers if "registry" in name.lower()]
    assert "secret" not in str(sent).lower()
    with tarfile.open(fileobj=BytesIO(sent.body)) as context:
        assert context.getnames() == ["Dockerfile"]
    (tagged,) = daemon.to(f"/images/{ID}/tag")
    assert (tagged.query["repo"], tagged.query["tag"]) == (["team/image"], ["1"])


def test_an_error_inside_a_good_status_fails(engine, daemon):
    with pytest.raises(CellError, match="build failed"):
        build(engine, daemon, lines(DONE, GONE))
    assert daemon.to(f"/images/{ID}/tag") == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lines(), "without an image"),
        (Answer(pieces=(b'{"stream": "x"}\n',), cut=True), "closed the connection"),
        (Answer(pieces=(b'{"stream": \n',)), "cannot be read"),
        (Answer(pieces=(b"<html>",)), "cannot be read"),
        (Answer(pieces=(b"[]\n",)), "cannot be read"),
        (refusal(500, "the daemon is unwell"), "the daemon is unwell"),
        (refusal(500, "write /var/x: no space left on device"), "no space left"),
        (Answer(pieces=(b"<html>teapot</html>",), status=418), "teapot"),
    ],
    ids=["no image", "cut", "torn json", "no json", "no object", "500", "disk", "no message"],
)
def test_a_build_that_the_engine_spoils(engine, daemon, answer, words):
    with pytest.raises(OutsideError, match=words):
        build(engine, daemon, answer)
    assert daemon.to(f"/images/{ID}/tag") == []


@pytest.mark.parametrize(
    "raw", [b"\xff" * 40, b"\x0a\x7f", b"\x08", b"\x0b", b"\x0a\x02\x0a\x05", b"\x08\x01"]
)
def test_a_trace_that_cannot_be_read_costs_progress_alone(engine, daemon, raw):
    assert build(engine, daemon, lines(trace(raw), {"id": "moby.buildkit.trace", "aux": "%%%"}, DONE)) == ID


def test_a_lost_context_is_sent_once_more(engine, daemon):
    lost = lines({"error": 'failed: Get "http://build-context-x": context not found'})
    assert build(engine, daemon, lost, lines(DONE)) == ID
    assert len(daemon.to("/build")) == 2
    with pytest.raises(OutsideError, match="lost the build context"):
        build(engine, daemon, lost, lost)


def test_an_interrupted_build_is_called_off_by_its_id(engine, daemon):
    cancel, hold = threading.Event(), threading.Event()
    step = b"\x0a\x0f\x0a\x01d\x1a\x08RUN slow\x2a\x00"
    daemon.answers["/build"] = Answer(pieces=lines(trace(step)).pieces, hold=hold)
    daemon.answers["/build/cancel"] = Answer(status=204)
    with pytest.raises(InterruptedByUserError):
        engine.build(REQUEST, lambda progress: cancel.set(), cancel)
    hold.set()
    assert daemon.to("/build/cancel")[0].query["id"] == daemon.to("/build")[0].query["buildid"]
    assert daemon.to(f"/images/{ID}/tag") == []


def test_builds_use_the_hosts_network_where_there_is_no_bridge(daemon):
    daemon.answers["/networks"] = lines([{"Name": "host"}])
    daemon.answers["/build"] = lines(DONE)
    request = BuildRequest(
        context=REQUEST.context, target=None, args={}, labels={}, network="default", tag=None
    )
    connect(daemon.address).build(request, print, NEVER)
    assert daemon.to("/build")[0].query["networkmode"] == ["host"]


def pull(engine, daemon: Daemon, answer: Answer, there: Answer) -> object:
    daemon.answers["/images/create"] = answer
    daemon.answers["/images/registry.example.com/base:1/json"] = there
    return engine.pull("registry.example.com/base:1", "linux/amd64", lambda progress: None)


IMAGE = lines({"Id": ID, "Size": 5, "RepoTags": ["registry.example.com/base:1"]})
ARRIVED = {"status": "Digest: sha256:" + "2" * 64}


def test_a_pull_shows_the_credentials_of_its_registry_alone(engine, daemon):
    pull(engine, daemon, lines(ARRIVED), IMAGE)
    (sent,) = daemon.to("/images/create")
    assert sent.query == {
        "fromImage": ["registry.example.com/base"],
        "tag": ["1"],
        "platform": ["linux/amd64"],
    }
    shown = base64.urlsafe_b64decode(sent.headers["X-Registry-Auth"]).decode()
    assert "secret-of-registry.example.com" in shown
    assert "secret-of-other" not in str(sent) + shown


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lines({"error": "toomanyrequests: You have reached your pull rate limit"}), "limits how often"),
        (lines({"error": "dial tcp: lookup registry.example.com on 10.0.0.1:53: no such host"}), "resolve"),
        (lines({"error": "dial tcp 10.0.0.1:443: connect: connection refused"}), "cannot reach the registry"),
        (lines({"error": "x509: certificate signed by unknown authority"}), "secure connection"),
        (lines({"error": "pull access denied for base, repository does not exist"}), "does not let"),
        (
            refusal(404, "manifest for registry.example.com/base:1 not found: manifest unknown"),
            "no such image",
        ),
        (refusal(500, "Get https://registry.example.com/v2/: unauthorized: bad"), "does not let"),
        (lines({"error": "no matching manifest for linux/arm64 in the manifest list"}), "for this platform"),
        (lines(ARRIVED, {"errorDetail": {"message": "no space left on device"}}), "disk is full"),
        (Answer(pieces=(b'{"status": "Downloading"}\n',), cut=True), "closed the connection"),
        (lines(), "reported success"),
    ],
)
def test_a_refused_pull_says_why_even_with_an_older_image_there(engine, daemon, answer, words):
    with pytest.raises(OutsideError, match=words):
        pull(engine, daemon, answer, IMAGE)


def test_a_pull_that_leaves_no_image_fails(engine, daemon):
    with pytest.raises(OutsideError, match="no such image"):
        pull(engine, daemon, lines(ARRIVED), refusal(404, "No such image: registry.example.com/base:1"))


def test_passwords_in_an_engines_words_are_left_out(engine, daemon):
    said = lines({"error": "proxyconnect tcp: dial http://me:hunter2@proxy.example.com:3128: i/o timeout"})
    with pytest.raises(OutsideError) as caught:
        pull(engine, daemon, said, IMAGE)
    assert "hunter2" not in str(caught.value)
    assert "proxy.example.com" in str(caught.value)


def test_a_container_whose_start_fails_is_removed(engine, daemon):
    daemon.answers["/containers/create"] = lines({"Id": "c1"})
    daemon.answers["/containers/c1/attach"] = refusal(500, "no streams today")
    daemon.answers["/containers/c1"] = Answer(status=204)
    with pytest.raises(OutsideError, match="no streams today"):
        engine.run(RunRequest(image="x", command=("true",)), lambda piece: None, NEVER)
    assert [(sent.method, sent.query["force"]) for sent in daemon.to("/containers/c1")] == [
        ("DELETE", ["True"])
    ]


def test_an_engine_that_is_gone_is_said_so(daemon):
    engine = connect(daemon.address)
    Path(daemon.address.removeprefix("unix://")).unlink()
    with pytest.raises(OutsideError, match="closed the connection") as caught:
        engine.find("x:1")
    assert caught.value.problems[0].hint
