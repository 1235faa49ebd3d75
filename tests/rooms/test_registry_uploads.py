"""Blobs on their way: what is sent, what is not sent again, and what is said when it does not work."""

import hashlib
import io
import threading

import pytest
from registry_server import Answer, Fault, client, error, serve, sha256

from builder.errors import InterruptedByUserError, OutsideError
from builder.registry import uploading
from builder.registry.api import Blob, Sent

CONTENT = hashlib.sha256(b"x").digest() * 320  # 10240 bytes
UPLOADS = "/blobs/uploads/"


def blob(content: bytes = CONTENT) -> Blob:
    return Blob(digest=sha256(content), size=len(content), open=lambda: io.BytesIO(content))


def send(registry, content: bytes = CONTENT, **options) -> Sent:
    return registry.send("team/torch", blob(content), options.pop("on_sent", lambda *_: None), **options)


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def chunks(monkeypatch):
    """Chunks of 4000 bytes, so that the blob has three."""
    monkeypatch.setattr(uploading, "CHUNK", 4000)


def patches(server) -> list[str]:
    return [each.headers["content-range"] for each in server.seen("PATCH")]


def test_a_small_blob_goes_in_one_piece(server):
    told = []
    found = send(client(server), on_sent=lambda *bytes_: told.append(bytes_))
    assert found == Sent(how="sent", sent=len(CONTENT))
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert [each.method for each in server.asked] == ["HEAD", "POST", "PUT", "HEAD"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_an_empty_blob_goes_as_well(server):
    assert send(client(server), b"") == Sent(how="sent", sent=0)
    assert server.blobs["team/torch"] == {sha256(b""): b""}


def test_a_large_blob_goes_in_chunks_each_to_the_newest_address(server, chunks):
    assert send(client(server)) == Sent(how="sent", sent=len(CONTENT))
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert patches(server) == ["0-3999", "4000-7999", "8000-10239"]
    assert server.seen("PUT")[0].query["digest"] == [sha256(CONTENT)]
    assert server.seen("PUT")[0].query["state"] == ["10240"]


def test_chunks_are_as_large_as_the_registry_wants_them(server, chunks):
    server.least = 6000
    send(client(server))
    assert patches(server) == ["0-5999", "6000-10239"]


def test_chunks_suit_registries_on_object_stores():
    assert uploading.CHUNK >= 5 << 20


def test_a_blob_that_is_there_is_not_opened(server):
    server.blobs["team/torch"] = {sha256(CONTENT): CONTENT}

    def never():
        raise AssertionError

    there = Blob(digest=sha256(CONTENT), size=len(CONTENT), open=never)
    assert client(server).send("team/torch", there, lambda *_: None) == Sent(how="there", sent=0)
    assert [each.method for each in server.asked] == ["HEAD"]


def test_a_blob_is_mounted_from_where_it_is(server):
    server.blobs["base/debian"] = {sha256(CONTENT): CONTENT}
    found = send(client(server), mount_from=("base/none", "team/torch", "base/debian"))
    assert found == Sent(how="mounted", sent=0)
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert [each.query["from"] for each in server.seen("POST")] == [["base/none"], ["base/debian"]]


def test_what_cannot_be_mounted_is_sent(server):
    assert send(client(server), mount_from=("base/none",)).how == "sent"
    assert len(server.seen("POST")) == 1  # the upload that was begun instead


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_registry_that_refuses_to_mount_is_sent_the_blob(server, status):
    server.faults.append(Fault("POST", UPLOADS, error(status, "DENIED")))
    assert send(client(server), mount_from=("base/debian",)).how == "sent"


def test_a_mount_that_did_not_happen_is_not_believed(server):
    server.faults.append(Fault("POST", UPLOADS, Answer(201)))
    assert send(client(server), mount_from=("base/debian",)).how == "sent"


def test_a_blob_of_another_size_is_no_blob_of_ours(server):
    server.faults.append(Fault("HEAD", "/blobs/", Answer(200, {"Content-Length": "5"})))
    with pytest.raises(OutsideError, match="has 5 bytes under this digest, not 10240"):
        send(client(server))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_what_passes_is_waited_for_on_every_step(server, method, status):
    server.faults.append(Fault(method, "/blobs/", error(status, "UNAVAILABLE"), times=2))
    pauses = []
    assert send(client(server, pauses)).how == "sent"
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert pauses == [0.25, 0.5]


def test_retry_after_is_waited_for(server):
    server.faults.append(Fault("POST", UPLOADS, Answer(429, {"Retry-After": "7"})))
    pauses = []
    send(client(server, pauses))
    assert pauses == [7.0]


@pytest.mark.parametrize("status", [401, 403, 404, 413])
def test_a_refusal_is_final_and_says_why(server, status):
    server.faults.append(Fault("POST", UPLOADS, error(status, "DENIED"), times=9))
    with pytest.raises(
        OutsideError, match=rf"sending sha256:\w+ to 127.0.0.1:\d+/team/torch failed: .*{status}.*DENIED"
    ):
        send(client(server))
    assert len(server.seen("POST")) == 1


def test_a_registry_that_stays_away_is_given_up(server):
    server.faults.append(Fault("PUT", UPLOADS, error(503, "UNAVAILABLE"), times=99))
    with pytest.raises(
        OutsideError, match=r"503 Service Unavailable: UNAVAILABLE unavailable \(6 attempts\)"
    ):
        send(client(server))
    assert len(server.seen("PUT")) == 6
    assert server.blobs == {}


def test_a_blob_that_was_taken_and_is_not_there_is_sent_again(server):
    def lie(asked):
        return Answer(201)

    server.faults.append(Fault("PUT", UPLOADS, lie))
    assert send(client(server)).sent == 2 * len(CONTENT)
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}


def test_a_blob_kept_under_another_digest_is_an_error(server):
    server.faults.append(Fault("PUT", UPLOADS, Answer(201, {"Docker-Content-Digest": "sha256:" + "0" * 64})))
    with pytest.raises(OutsideError, match="keeps it as sha256:0000"):
        send(client(server))


def test_bytes_that_are_not_those_of_the_digest_are_sent_twice(server):
    wrong = Blob(digest=sha256(b"other"), size=len(CONTENT), open=lambda: io.BytesIO(CONTENT))
    with pytest.raises(OutsideError, match="DIGEST_INVALID"):
        client(server).send("team/torch", wrong, lambda *_: None)
    assert server.blobs == {}
    assert len(server.seen("PUT")) == 2


def test_a_file_that_became_shorter_is_said(server):
    short = Blob(digest=sha256(CONTENT), size=len(CONTENT), open=lambda: io.BytesIO(CONTENT[:-1]))
    with pytest.raises(OutsideError, match="became shorter"):
        client(server).send("team/torch", short, lambda *_: None)


@pytest.mark.parametrize(
    "where", ["https://evil.example.org/v2/x", "//evil.example.org/x", "http://127.0.0.1:1/x"]
)
def test_an_upload_is_not_sent_to_another_host(server, where):
    server.faults.append(Fault("POST", UPLOADS, Answer(202, {"Location": where})))
    with pytest.raises(OutsideError, match="wants to be asked at another host"):
        send(client(server))


def test_an_address_without_a_host_is_in_the_registry(server):
    def relative(asked):
        answer = server.answer(asked)
        answer.headers["Location"] = answer.headers["Location"].removeprefix(f"http://{server.host}")
        return answer

    server.faults.append(Fault("POST", UPLOADS, relative))
    assert send(client(server)).how == "sent"


def test_an_address_with_another_scheme_keeps_ours(server):
    def other(asked):
        answer = server.answer(asked)
        answer.headers["Location"] = answer.headers["Location"].replace("http:", "https:")
        return answer

    server.faults.append(Fault("POST", UPLOADS, other))
    assert send(client(server)).how == "sent"


def test_no_upload_goes_where_a_redirect_leads(server):
    server.faults.append(Fault("PUT", UPLOADS, Answer(307, {"Location": f"http://{server.host}/elsewhere"})))
    with pytest.raises(OutsideError, match="answered 307"):
        send(client(server))
    assert server.seen("PUT", "elsewhere") == []


def test_sending_ends_in_the_middle_when_everything_is_to_stop(server, chunks):
    cancel = threading.Event()

    def stop(now: int, total: int) -> None:
        if now > 4000:
            cancel.set()

    with pytest.raises(InterruptedByUserError):
        send(client(server, cancel=cancel), on_sent=stop)
    assert server.blobs == {}
    assert len(server.seen("PATCH")) <= 2
