"""Uploads that broke off: what is sent again, and what is not."""

import hashlib
import io

import pytest
from registry_server import Fault, client, error, serve, sha256

from builder.errors import OutsideError
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


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("taken", [0, 1, 2, 1500, 3999, 4000])
def test_a_connection_cut_in_a_chunk_loses_nothing(server, chunks, taken, strict):
    server.strict = strict
    server.faults += [Fault("PATCH", UPLOADS), Fault("PATCH", UPLOADS, take=taken)]
    found = send(client(server))
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert found.how == "sent"


@pytest.mark.parametrize("taken", [2, 1500, 3999])
def test_only_what_is_missing_is_sent_after_a_cut(server, chunks, taken):
    server.strict = False
    server.faults += [Fault("PATCH", UPLOADS), Fault("PATCH", UPLOADS, take=taken)]
    send(client(server))
    asked = patches(server)
    last = min(7999 + taken, len(CONTENT) - 1)
    assert asked[:3] == ["0-3999", "4000-7999", f"{4000 + taken}-{last}"]
    assert sum(len(each.body) for each in server.seen("PATCH")) == len(CONTENT)


def test_a_chunk_whose_answer_is_lost_is_not_sent_again(server, chunks):
    server.strict = False
    server.faults.append(Fault("PATCH", UPLOADS, lose=True))
    send(client(server))
    assert patches(server) == ["0-3999", "4000-7999", "8000-10239"]
    assert len(server.seen("GET", UPLOADS)) == 1


def test_a_lost_end_is_looked_for_before_anything_is_sent_again(server, chunks):
    server.faults.append(Fault("PUT", UPLOADS, lose=True))
    assert send(client(server)) == Sent(how="sent", sent=len(CONTENT))
    after = server.asked[server.asked.index(server.seen("PUT")[0]) + 1 :]
    assert [each.method for each in after] == ["HEAD"]


@pytest.mark.parametrize("status", [400, 404, 405, 416])
def test_an_upload_that_the_registry_forgot_is_begun_anew(server, chunks, status):
    def forget(asked):
        server.uploads.clear()
        return error(status, "BLOB_UPLOAD_UNKNOWN")

    server.faults += [Fault("PATCH", UPLOADS), Fault("PATCH", UPLOADS, forget)]
    assert send(client(server)).how == "sent"
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert len(server.seen("POST")) == 2


def test_an_upload_that_stands_elsewhere_goes_on_there(server, chunks):
    server.faults += [Fault("PATCH", UPLOADS), Fault("PATCH", UPLOADS, error(416, "RANGE_INVALID"))]
    send(client(server))
    assert patches(server) == ["0-3999", "4000-7999", "4000-7999", "8000-10239"]
    assert len(server.seen("POST")) == 1


def test_a_registry_that_takes_no_chunks_gets_it_whole(server, chunks):
    server.chunked = False
    assert send(client(server)).how == "sent"
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert len(server.seen("PATCH")) == uploading.PIECES


def test_a_registry_that_takes_part_of_a_chunk_gets_the_rest(server, chunks):
    def half(asked):
        asked.body = asked.body[:1000]
        return server.answer(asked)

    server.faults.append(Fault("PATCH", UPLOADS, half))
    send(client(server))
    assert patches(server)[:2] == ["0-3999", "1000-4999"]
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}


def test_a_registry_that_claims_more_than_it_was_sent_is_not_believed(server, chunks):
    def boast(asked):
        answer = server.answer(asked)
        answer.headers["Range"] = "0-9999"
        return answer

    server.faults.append(Fault("PATCH", UPLOADS, boast))
    send(client(server))
    assert server.blobs["team/torch"] == {sha256(CONTENT): CONTENT}
    assert len(server.seen("POST")) == 2


def test_a_registry_that_takes_nothing_is_given_up(server, chunks):
    def nothing(asked):
        asked.body = b""
        return server.answer(asked)

    server.faults.append(Fault("PATCH", UPLOADS, nothing, times=99))
    with pytest.raises(OutsideError, match=r"took nothing of what was sent \(6 attempts\)"):
        send(client(server))
