"""The client and Debian's registry, as they meet without anything between them."""

import hashlib
import io
import json
import os
from collections.abc import Iterator

import pytest
import registry

from builder.errors import OutsideError
from builder.registry import connect
from builder.registry.api import INDEX, MANIFEST, Blob, Registry, Sent
from builder.registry.uploading import CHUNK

pytestmark = pytest.mark.real


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob(content: bytes) -> Blob:
    return Blob(digest=sha256(content), size=len(content), open=lambda: io.BytesIO(content))


def ignore(*_: int) -> None:
    pass


def image(config: bytes, **more: object) -> bytes:
    """A manifest of that config alone."""
    described = {"mediaType": "application/json", "digest": sha256(config), "size": len(config)}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [], **more}
    ).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("registry") / "r") as found:
        yield found


@pytest.fixture
def client(running) -> Iterator[Registry]:
    """Not told that the registry speaks plain HTTP."""
    made = connect(running.address, environ={"HOME": "/nowhere"})
    yield made
    made.close()


@pytest.mark.parametrize("size", [0, 1, 1000, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_blobs_of_every_size_go_there_and_back(client, running, size):
    content = os.urandom(size)
    assert client.has("sizes", sha256(content)) is None
    assert client.send("sizes", blob(content), ignore) == Sent(how="sent", sent=size)
    assert client.send("sizes", blob(content), ignore) == Sent(how="there", sent=0)
    assert client.has("sizes", sha256(content)) == size
    assert running.blobs[sha256(content)] == size
    sink = io.BytesIO()
    client.fetch("sizes", sha256(content), sink, ignore)
    assert sink.getvalue() == content


def test_a_blob_is_mounted_from_another_repository(client):
    content = os.urandom(1000)
    client.send("base/one", blob(content), ignore)
    assert client.send("base/two", blob(content), ignore, ("base/none", "base/one")).how == "mounted"
    assert client.has("base/two", sha256(content)) == len(content)


def test_manifests_go_by_digest_and_tag(client):
    config = os.urandom(100)
    body = image(config)
    with pytest.raises(OutsideError, match="MANIFEST_BLOB_UNKNOWN"):
        client.put("images", body, MANIFEST, "early")
    assert client.manifest("images", "early") is None
    client.send("images", blob(config), ignore)
    assert client.put("images", body, MANIFEST) == sha256(body)
    assert client.put("images", body, MANIFEST, "late") == sha256(body)
    assert client.manifest("images", "late").body == body
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    client.put("images", index, INDEX, "late")
    assert client.manifest("images", "late").media_type == INDEX


def test_what_is_attached_is_found_under_the_fallback_tag(client):
    config = os.urandom(100)
    client.send("papers", blob(config), ignore)
    subject = image(config)
    client.put("papers", subject, MANIFEST, "image")
    named = {"mediaType": MANIFEST, "digest": sha256(subject), "size": len(subject)}
    papers = [image(config, subject=named, artifactType=f"application/{kind}") for kind in ("one", "two")]
    for paper in (*papers, papers[0]):
        assert client.attach("papers", paper, MANIFEST) == sha256(paper)
    found = client.referrers("papers", sha256(subject))
    assert [each.digest for each in found] == [sha256(paper) for paper in papers]
    assert [each.digest for each in client.referrers("papers", sha256(subject), "application/two")] == [
        sha256(papers[1])
    ]
    assert client.manifest("papers", sha256(subject).replace(":", "-")).media_type == INDEX
