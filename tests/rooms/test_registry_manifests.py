"""Manifests: what is believed of a registry, and what is not."""

import json

import pytest
from registry_server import Answer, Fault, client, error, serve, sha256

from builder.errors import InputError, OutsideError
from builder.registry.api import DOCKER_MANIFEST, INDEX, MANIFEST, Manifest

BODY = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}).encode()
OTHER = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [1]}).encode()
DIGEST = sha256(BODY)
MANIFESTS = "/manifests/"


@pytest.fixture
def server():
    with serve() as running:
        yield running


def keep(server, body: bytes = BODY, kind: str = MANIFEST) -> None:
    server.manifests["team/torch"] = dict.fromkeys(("latest", sha256(body)), (body, kind))


def test_a_manifest_is_read_by_tag_and_by_digest(server):
    keep(server)
    found = Manifest(digest=DIGEST, media_type=MANIFEST, body=BODY)
    assert client(server).manifest("team/torch", "latest") == found
    assert client(server).manifest("team/torch", DIGEST) == found
    accepted = server.asked[0].headers["accept"]
    assert all(kind in accepted for kind in (MANIFEST, INDEX, DOCKER_MANIFEST))


def test_what_is_not_there_is_none(server):
    assert client(server).manifest("team/torch", "latest") is None
    assert client(server).manifest("team/torch", DIGEST) is None


@pytest.mark.parametrize(("reference", "announced"), [("latest", DIGEST), (DIGEST, DIGEST), (DIGEST, "")])
def test_wrong_bytes_are_asked_for_again(server, reference, announced):
    keep(server)
    announced = {"Content-Type": MANIFEST, "Docker-Content-Digest": announced}
    server.faults.append(Fault("GET", MANIFESTS, Answer(200, announced, OTHER), times=2))
    assert client(server).manifest("team/torch", reference).body == BODY
    server.faults.append(Fault("GET", MANIFESTS, Answer(200, announced, OTHER), times=99))
    with pytest.raises(OutsideError, match=rf"are {sha256(OTHER)[:19]}, not {DIGEST[:19]} \(6 attempts\)"):
        client(server).manifest("team/torch", reference)


@pytest.mark.parametrize("body", [BODY[:-5], b"<html>log in</html>", b"[]", b"[" * 100_000, b"\xff"])
def test_what_is_no_manifest_is_not_believed(server, body):
    server.faults.append(Fault("GET", MANIFESTS, Answer(200, body=body), times=99))
    with pytest.raises(OutsideError, match="what came is no manifest"):
        client(server).manifest("team/torch", "latest")


def test_a_manifest_that_breaks_off_is_asked_for_again(server):
    keep(server)
    short = {"Content-Length": str(len(BODY)), "Content-Type": MANIFEST, "Connection": "close"}
    server.faults.append(Fault("GET", MANIFESTS, Answer(200, short, BODY[:-5])))
    assert client(server).manifest("team/torch", "latest").body == BODY


def test_a_manifest_without_end_is_refused(server):
    server.faults.append(Fault("GET", MANIFESTS, Answer(200, body=b" " * (5 << 20))))
    with pytest.raises(OutsideError, match="longer than 4194304 bytes"):
        client(server).manifest("team/torch", "latest")
    with pytest.raises(InputError, match="too long"):
        client(server).put("team/torch", b" " * (5 << 20), MANIFEST)


def test_a_manifest_of_two_kinds_is_refused(server):
    keep(server, kind=INDEX)
    with pytest.raises(OutsideError, match=r"announced as .*index.* says of itself .*manifest"):
        client(server).manifest("team/torch", "latest")


def test_a_manifest_says_itself_what_it_is(server):
    keep(server, kind="application/json; charset=utf-8")
    assert client(server).manifest("team/torch", "latest").media_type == MANIFEST


def test_a_manifest_is_put_by_digest_and_read_back(server):
    assert client(server).put("team/torch", BODY, MANIFEST) == DIGEST
    assert server.manifests["team/torch"] == {DIGEST: (BODY, MANIFEST)}
    assert [each.method for each in server.asked] == ["PUT", "GET"]


def test_a_tag_is_put_and_read_back(server):
    assert client(server).put("team/torch", BODY, MANIFEST, "2.8") == DIGEST
    assert {each.path for each in server.asked} == {"/v2/team/torch/manifests/2.8"}
    assert server.manifests["team/torch"]["2.8"] == (BODY, MANIFEST)


@pytest.mark.parametrize("reference", [None, "2.8"])
def test_another_digest_than_ours_is_not_believed(server, reference):
    announced = Answer(201, {"Docker-Content-Digest": sha256(OTHER)})
    server.faults.append(Fault("PUT", MANIFESTS, announced, times=99))
    with pytest.raises(OutsideError, match=f"{DIGEST[:19]} was put, and the registry has"):
        client(server).put("team/torch", BODY, MANIFEST, reference)
    assert len(server.seen("PUT")) == 6


def test_a_tag_that_names_another_manifest_after_it_was_put_is_said(server):
    keep(server, OTHER)
    server.faults.append(Fault("PUT", MANIFESTS, Answer(201), times=99))
    with pytest.raises(
        OutsideError, match=rf"putting .*team/torch:latest failed: .* has {sha256(OTHER)[:19]} there"
    ):
        client(server).put("team/torch", BODY, MANIFEST, "latest")


def test_a_manifest_that_was_taken_and_is_not_there_is_put_again(server):
    server.faults.append(Fault("PUT", MANIFESTS, Answer(201)))
    assert client(server).put("team/torch", BODY, MANIFEST, "2.8") == DIGEST
    assert server.manifests["team/torch"]["2.8"] == (BODY, MANIFEST)


@pytest.mark.parametrize("lost", [True, False])
def test_a_put_whose_answer_is_lost_is_repeated(server, lost):
    server.faults.append(Fault("PUT", MANIFESTS, lose=True) if lost else Fault("PUT", MANIFESTS, take=5))
    assert client(server).put("team/torch", BODY, MANIFEST) == DIGEST


def test_a_registry_that_lacks_a_blob_says_so(server):
    server.faults.append(Fault("PUT", MANIFESTS, error(400, "MANIFEST_BLOB_UNKNOWN")))
    with pytest.raises(OutsideError, match="400 Bad Request: MANIFEST_BLOB_UNKNOWN"):
        client(server).put("team/torch", BODY, MANIFEST, "2.8")
    assert server.manifests.get("team/torch", {}) == {}


def test_names_are_checked_before_anything_is_asked(server):
    registry = client(server)
    for ask in (
        lambda: registry.manifest("team/../torch", "latest"),
        lambda: registry.manifest("team/torch", "../x"),
        lambda: registry.put("Team", BODY, MANIFEST),
        lambda: registry.has("team/torch", "sha256:1"),
        lambda: registry.referrers("team/torch", "latest"),
    ):
        with pytest.raises(InputError):
            ask()
    assert server.asked == []
