"""What a registry has of an image's layers is taken as it is; what it says falsely is not believed."""

import json

import pytest
from registry_server import client, serve, sha256

from builder.engine.api import LAYER, MANIFEST, Assembled, LayerFile
from builder.registry.api import Manifest
from builder.release import manifests, reuse

PATH, ZSTD = "team/torch", f"{LAYER}+zstd"
BLOBS = [b"packed one", b"packed two"]
DIFF_IDS = ["sha256:" + digit * 64 for digit in "ab"]
CONFIG = json.dumps({"rootfs": {"type": "layers", "diff_ids": DIFF_IDS}}).encode()


@pytest.fixture
def server():
    with serve() as running:
        running.blobs[PATH] = {sha256(blob): blob for blob in (*BLOBS, CONFIG)}
        yield running


def image(config=CONFIG, diff_ids=DIFF_IDS):
    layers = tuple(LayerFile(diff_id=ident, size=1, path=None) for ident in diff_ids)
    return Assembled(config=config, layers=layers)


def manifest(content=CONFIG, kind=ZSTD, **changes):
    rows = [{"mediaType": kind, "digest": sha256(blob), "size": len(blob)} for blob in BLOBS]
    named = {"mediaType": "x", "digest": sha256(content), "size": len(content)}
    body = json.dumps({"mediaType": MANIFEST, "config": named, "layers": rows} | changes).encode()
    return Manifest(digest=sha256(body), media_type=MANIFEST, body=body)


def known(server, found, made=None, kind=ZSTD):
    return reuse.known(made or image(), [None, found], kind, PATH, client(server))


ALL = {ident: (sha256(blob), len(blob)) for ident, blob in zip(DIFF_IDS, BLOBS, strict=True)}


def test_the_same_image_is_known_without_its_config(server):
    assert known(server, manifest()) == ALL
    assert server.seen("GET") == []


def test_layers_of_another_image_are_known_by_its_config(server):
    other = image(config=b"{}", diff_ids=[DIFF_IDS[1], "sha256:" + "c" * 64])
    assert known(server, manifest(), other) == {DIFF_IDS[1]: ALL[DIFF_IDS[1]]}


def test_layers_that_are_packed_otherwise_are_not_meant(server):
    assert known(server, manifest(), kind=f"{LAYER}+gzip") == {}


def test_what_docker_packed_is_gzip_too(server):
    pushed = manifest(kind="application/vnd.docker.image.rootfs.diff.tar.gzip")
    assert known(server, pushed, kind=f"{LAYER}+gzip") == ALL
    assert known(server, pushed) == {}


def test_a_blob_that_is_gone_or_has_another_size_is_not_believed(server):
    gone = sha256(BLOBS[0])
    del server.blobs[PATH][gone]
    assert known(server, manifest()) == {DIFF_IDS[1]: ALL[DIFF_IDS[1]]}
    server.blobs[PATH][gone] = b"longer than it should be"
    assert known(server, manifest()) == {DIFF_IDS[1]: ALL[DIFF_IDS[1]]}


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": []},
        {"layers": [1, 2]},
        {"layers": None},
        {"layers": [{"mediaType": ZSTD, "digest": 5, "size": "x"}] * 2},
        {"layers": [{"mediaType": ZSTD, "digest": "../../up", "size": 3}] * 2},
        {"config": None},
        {"config": {}},
        {"config": {"digest": "sha256:../..", "size": 2}},
        {"config": {"digest": "sha256:" + "0" * 64, "size": 2}},
        {"config": {"digest": sha256(CONFIG), "size": 10**12}},
        {"config": {"digest": sha256(CONFIG), "size": "2"}},
        {"config": {"digest": sha256(CONFIG), "size": len(CONFIG) - 1}},
    ],
)
def test_what_is_no_plain_manifest_tells_nothing(server, changes):
    other = image(config=b"{}")
    assert known(server, manifest(**changes), other) == {}


@pytest.mark.parametrize("config", [b"[]", b"{", b"{}", b'{"rootfs": {"diff_ids": 3}}', b"[" * 90_000])
def test_what_is_no_plain_config_tells_nothing(server, config):
    server.blobs[PATH][sha256(config)] = config
    assert known(server, manifest(config), image(config=b"other")) == {}


def test_a_manifest_with_other_notes_is_of_the_same_image():
    own = manifest(annotations={"org.envbuild.version": "2"}).body
    assert manifests.same_image(manifest(annotations={"org.envbuild.version": "1"}).body, own)
    assert not manifests.same_image(manifest(kind="gzip").body, own)
    assert not manifests.same_image(manifest(b"{}").body, own)
    for odd in (b"", b"[]", b"{}", b"7", b"[" * 90_000):
        assert not manifests.same_image(odd, own)
