"""Everything that an engine can get wrong about a push, said by a scripted daemon."""

import base64
import json
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from engine_daemon import Answer, Daemon, lines, refusal, serve

from builder.engine import connect
from builder.engine.api import MayPassError, Progress
from builder.errors import InterruptedByUserError, OutsideError

NEVER = threading.Event()
DIGEST = "sha256:" + "2" * 64
AUTH = {"username": "me", "password": "hunter2"}
TOLD = {"progressDetail": {}, "aux": {"Tag": "1", "Digest": DIGEST, "Size": 5}}
WORDS = {"status": f"1: digest: {DIGEST} size: 5"}

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def daemon():
    folder = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))  # a socket's path has to be short
    with serve(folder) as found:
        yield found
    shutil.rmtree(folder)


def push(daemon: Daemon, answer: Answer, said: list[Progress] | None = None, host: str = "r.example.com:5"):
    daemon.answers[f"/images/{host}/team/image/push"] = answer
    engine = connect(daemon.address)
    try:
        told = [] if said is None else said
        return engine.push(f"{host}/team/image:1", AUTH, told.append, NEVER)
    finally:
        engine.close()


@pytest.mark.parametrize("last", [TOLD, WORDS], ids=["apart", "in words alone"])
def test_a_push_tells_its_digest_and_its_bytes(daemon, last):
    said: list[Progress] = []
    layer = {"id": "abc", "status": "Pushing", "progressDetail": {"current": 9, "total": 7}}
    done = {"id": "abc", "status": "Pushed", "progressDetail": {}}
    assert push(daemon, lines(layer, done, last), said) == DIGEST
    assert [(each.current, each.total) for each in said] == [(7, 7)] * 3
    (sent,) = daemon.requests[-1:]
    assert (sent.method, sent.query) == ("POST", {"tag": ["1"]})
    assert json.loads(base64.urlsafe_b64decode(sent.headers["X-Registry-Auth"])) == AUTH


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:5000", "127.8.9.1"])
def test_plain_http_is_for_the_loopback_alone(daemon, host):
    push(daemon, lines(TOLD), host=host)
    assert daemon.requests[-1].query["tlsVerify"] == ["false"]
    push(daemon, lines(TOLD), host="127.example.com")
    assert "tlsVerify" not in daemon.requests[-1].query


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lines(WORDS, TOLD, {"errorDetail": {"message": "denied: not you"}}), "does not let this login"),
        (lines({"error": "unauthorized: authentication required"}), "does not let this login"),
        (lines({"error": "no basic auth credentials"}), "does not let this login"),
        (lines({"error": "x509: certificate signed by unknown authority"}), "secure connection"),
        (lines({"error": "lookup r.example.com on 10.0.0.1:53: no such host"}), "resolve"),
        (lines({"error": "something else"}), r"image:1 failed \(the engine says: something else\)"),
        (lines({"status": "The push refers to repository"}), "without telling the digest"),
        (lines({"aux": {"Digest": "sha256:1"}}, {"aux": "x"}, {"aux": None}), "without telling the digest"),
        (Answer(pieces=lines(TOLD).pieces, cut=True), "closed the connection"),
        (Answer(pieces=(b'{"status": \n',)), "cannot be read"),
        (refusal(404, "no such image: r.example.com"), "no such image"),
    ],
)
def test_a_push_that_did_not_arrive_fails_and_is_not_tried_again(daemon, answer, words):
    with pytest.raises(OutsideError, match=words) as caught:
        push(daemon, answer)
    assert not isinstance(caught.value, MayPassError)


@pytest.mark.parametrize(
    "words",
    [
        "received unexpected HTTP status: 503 Service Unavailable",
        "toomanyrequests: slow down",
        'Put "https://r.example.com/v2/": net/http: TLS handshake timeout',
        "dial tcp 10.0.0.1:443: i/o timeout",
        "read tcp 10.0.0.1:443: connection reset by peer",
        "unexpected EOF",
    ],
)
def test_what_may_pass_is_told_apart(daemon, words):
    with pytest.raises(MayPassError, match="fails at the moment"):
        push(daemon, lines({"errorDetail": {"message": words}}))


def test_a_password_that_a_registry_repeats_is_not_shown(daemon):
    with pytest.raises(OutsideError) as caught:
        push(daemon, lines({"error": "denied: bad password hunter2"}))
    assert "hunter2" not in str(caught.value)


def test_a_push_that_is_called_off_hangs_up(daemon):
    cancel, hold = threading.Event(), threading.Event()
    path = "/images/r.example.com/image/push"
    daemon.answers[path] = Answer(pieces=lines({"status": "Preparing", "id": "abc"}).pieces, hold=hold)
    with pytest.raises(InterruptedByUserError):
        connect(daemon.address).push("r.example.com/image:1", {}, lambda progress: cancel.set(), cancel)
    hold.set()
