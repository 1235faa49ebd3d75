"""Blobs on their way here, and what a hostile registry may answer."""

import io
from dataclasses import replace

import pytest
from registry_server import Answer, Fault, client, logged_in, serve, sha256
from source_server import own_authority

from builder.errors import OutsideError
from builder.registry import asking, transport
from builder.registry.transport import Times

CONTENT = bytes(range(256)) * 4000  # a million bytes: several blocks
DIGEST = sha256(CONTENT)


@pytest.fixture
def server():
    with serve() as running:
        running.blobs["team/torch"] = {DIGEST: CONTENT}
        yield running


def fetch(registry, **options) -> bytes:
    sink = io.BytesIO()
    registry.fetch("team/torch", DIGEST, sink, options.pop("on_got", lambda *_: None), **options)
    return sink.getvalue()


def part(start: int, end: int, **headers) -> Answer:
    """A part of the blob that is announced as all of it."""
    return Answer(200, {"Content-Length": str(len(CONTENT)), **headers}, CONTENT[start:end])


def test_a_blob_comes_with_its_bytes_told(server):
    told = []
    assert fetch(client(server), on_got=lambda *bytes_: told.append(bytes_)) == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [each.method for each in server.asked] == ["HEAD", "GET"]


def test_a_size_that_is_known_is_not_asked_for(server):
    assert fetch(client(server), size=len(CONTENT)) == CONTENT
    assert [each.method for each in server.asked] == ["GET"]


def test_what_is_not_there_is_said(server):
    server.blobs.clear()
    for options in ({}, {"size": 5}):
        with pytest.raises(OutsideError, match=r"fetching sha256:\w+ from 127.0.0.1:\d+/team/torch failed: "):
            fetch(client(server), **options)


def broken_off(server, after: int) -> Fault:
    """The connection ends after so many bytes of the answer."""
    return Fault(
        "GET",
        "/blobs/",
        Answer(200, {"Content-Length": str(len(CONTENT)), "Connection": "close"}, CONTENT[:after]),
    )


@pytest.mark.parametrize("after", [0, 1, 300_000, len(CONTENT) - 1])
def test_only_what_is_missing_is_asked_for_again(server, after):
    server.faults.append(broken_off(server, after))
    assert fetch(client(server)) == CONTENT
    assert server.seen("GET")[1].headers.get("range") == (f"bytes={after}-" if after else None)


def test_a_registry_that_knows_no_parts_is_read_from_the_start(server):
    server.faults += [broken_off(server, 300_000), Fault("GET", "/blobs/", part(0, None))]
    assert fetch(client(server)) == CONTENT


def test_another_part_than_was_asked_for_is_refused(server):
    server.faults += [
        broken_off(server, 300_000),
        Fault("GET", "/blobs/", Answer(206, {"Content-Range": "bytes 5-9/10"}, b"x" * 5)),
    ]
    with pytest.raises(OutsideError, match="another part"):
        fetch(client(server))


def test_a_registry_that_always_breaks_off_is_given_up(server):
    server.faults.append(Fault("GET", "/blobs/", Answer(503), times=99))
    with pytest.raises(OutsideError, match=r"503 Service Unavailable \(6 attempts\)"):
        fetch(client(server))


def test_other_bytes_than_those_of_the_digest_are_refused(server):
    server.faults.append(Fault("GET", "/blobs/", Answer(200, body=CONTENT[:-1] + b"!")))
    with pytest.raises(OutsideError, match="others than those of this digest"):
        fetch(client(server))


def test_a_blob_without_end_is_cut_off(server):
    server.faults.append(Fault("GET", "/blobs/", Answer(200, body=CONTENT * 20)))
    with pytest.raises(OutsideError, match=f"longer than {len(CONTENT)} bytes"):
        fetch(client(server))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.2", "169.254.169.254", "10.0.0.1", "[::1]", "[fe80::1]", "2130706433"]
)
def test_a_redirect_to_a_private_address_is_not_followed(server, host, status):
    server.faults.append(Fault("GET", "/blobs/", Answer(status, {"Location": f"http://{host}:9/x"})))
    with pytest.raises(OutsideError, match="a private address, which is not followed") as raised:
        fetch(client(server))
    assert "storage.redirect.disable" in raised.value.problems[0].hint


@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "ftp://x/y", "http://me:pw@8.8.8.8/", "http://[::1", ""]
)
def test_a_redirect_to_no_place_for_blobs_is_not_followed(server, where):
    server.faults.append(Fault("GET", "/blobs/", Answer(307, {"Location": where}), times=99))
    with pytest.raises(OutsideError):
        fetch(client(server))


def test_a_redirect_from_tls_to_plain_http_is_not_followed(tmp_path):
    authority, tls = own_authority(tmp_path)
    with serve(tls=tls) as server:
        server.faults.append(Fault("GET", "/blobs/", Answer(307, {"Location": f"http://{server.host}/x"})))
        with pytest.raises(OutsideError, match="which is not safe"):
            fetch(client(server, ca=authority), size=len(CONTENT))


def test_a_redirect_within_the_registry_is_followed_with_its_login(server, tmp_path):
    server.auth = "bearer"
    server.blobs["cdn"] = {DIGEST: CONTENT}
    server.faults.append(
        Fault("GET", "/team/torch/blobs/", Answer(307, {"Location": f"/v2/cdn/blobs/{DIGEST}"}))
    )
    environ = logged_in(tmp_path, server)
    assert fetch(client(server, environ=environ)) == CONTENT
    assert "authorization" in server.seen("GET", "/cdn/")[0].headers


def test_no_login_goes_to_another_host(server, monkeypatch, tmp_path):
    with serve() as storage:
        monkeypatch.setattr(asking, "is_public", lambda host: host == "localhost")
        server.auth, storage.auth = "bearer", "bearer"  # it would ask for one
        storage.faults.append(Fault("GET", "/stored", Answer(200, body=CONTENT)))
        where = f"http://localhost:{storage.host.rpartition(':')[2]}/stored?signed=yes"
        server.faults.append(Fault("GET", "/blobs/", Answer(307, {"Location": where})))
        environ = logged_in(tmp_path, server)
        server.tokens["x"] = 0
        assert fetch(client(server, environ=environ), size=len(CONTENT)) == CONTENT
        assert "authorization" not in storage.asked[0].headers
        server.faults.append(Fault("GET", "/blobs/", Answer(307, {"Location": where})))
        with pytest.raises(OutsideError, match="401"):
            fetch(client(server, environ=environ), size=len(CONTENT))
        assert "authorization" not in storage.asked[1].headers
        assert len(storage.asked) == 2


def test_redirects_have_an_end(server):
    again = Answer(307, {"Location": f"/v2/team/torch/blobs/{DIGEST}"})
    server.faults.append(Fault("GET", "/blobs/", again, times=99))
    with pytest.raises(OutsideError, match="answered 307"):
        fetch(client(server))
    assert len(server.seen("GET")) == asking.HOPS + 1


def test_a_registry_that_drips_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(transport, "BLOCK", 100)
    registry = client(server)
    registry.asking.wire.times = replace(Times(), window=0.0, floor=len(CONTENT) * 2)
    with pytest.raises(OutsideError, match=r"only 100 bytes came in 0 seconds \(6 attempts\)"):
        fetch(registry, size=len(CONTENT))
