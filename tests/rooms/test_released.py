"""A published image is read back; whatever a registry says that does not fit is told, and nothing worse."""

import dataclasses
import json

import pytest
from registry_server import client, serve, sha256

from builder.errors import OutsideError
from builder.registry import parse
from builder.registry.api import INDEX, MANIFEST
from builder.release import manifests
from builder.release.attachments import EMPTY, VERIFICATION, Paper
from builder.released import read
from builder.report import shown

PATH = "team/torch"
LAYERS = [b"one", b"two!"]
CONFIG = json.dumps(
    {
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-01-01T00:00:00Z",
        "rootfs": {"diff_ids": ["sha256:" + "a" * 64, "sha256:" + "b" * 64]},
    }
).encode()
IN_TOTO, SLSA = "application/vnd.in-toto+json", "https://slsa.dev/provenance/v1"
PURLS = ["pkg:deb/debian/bash@5.2", "pkg:pypi/torch@2.13.0"]


def described(content, kind="x"):
    return {"mediaType": kind, "digest": sha256(content), "size": len(content)}


def manifest(**changes):
    notes = {"org.opencontainers.image.base.name": "debian:12"}
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG),
        "layers": [described(layer) for layer in LAYERS],
        "annotations": notes,
    }
    return json.dumps(body | changes).encode()


def documents(subject):
    """What the four papers say, by name: kind, predicate, document."""
    digest = sha256(subject)
    about = [{"name": "x", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    components = [{"purl": purl, "name": "n", "version": "1"} for purl in PURLS]
    packages = [{"externalRefs": [{"referenceType": "purl", "referenceLocator": purl}]} for purl in PURLS]
    definition = {
        "externalParameters": {"cell": {"id": "the-cell"}},
        "internalParameters": {"lock": "sha256:0"},
        "resolvedDependencies": [{"name": "debian:12"}],
    }
    proof = {
        "cell": "the-cell",
        "image": sha256(CONFIG),
        "status": "passed",
        "level": "basic",
        "checks": [
            {"id": "os.release", "required": True, "status": "pass"},
            {"id": "train.curve", "required": True, "status": "pass", "values": {"losses": [2.0, 0.5]}},
        ],
    }
    return {
        "sbom.cdx.json": (
            "application/vnd.cyclonedx+json",
            "",
            {"metadata": {"component": {"version": digest}}, "components": components},
        ),
        "sbom.spdx.json": (
            "application/spdx+json",
            "",
            {"packages": [{"SPDXID": "SPDXRef-image", "versionInfo": digest}, *packages]},
        ),
        "provenance.json": (IN_TOTO, SLSA, {"subject": about, "predicate": {"buildDefinition": definition}}),
        "verification.json": (IN_TOTO, VERIFICATION, {"subject": about, "predicate": proof}),
    }


@pytest.fixture(params=[True, False], ids=["with a list of referrers", "without"])
def server(request):
    with serve(lists=request.param) as running:
        running.blobs[PATH] = {sha256(one): one for one in (*LAYERS, CONFIG, EMPTY)}
        yield running


def put(server, body, tag="latest", kind=MANIFEST):
    server.manifests.setdefault(PATH, {}).update(dict.fromkeys((tag, sha256(body)), (body, kind)))


def publish(server, body=None, change=lambda name, document: document, leave=()):
    """An image with its papers, each changed first; those of `leave` are left out."""
    body = body or manifest()
    put(server, body)
    for name, (kind, predicate, document) in documents(body).items():
        if name not in leave:
            content = change(name, document)
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            add(
                server,
                Paper(name=name, kind=kind, predicate=predicate, content=content, subject=body, epoch=1),
            )
    return sha256(body)


def paper(subject, kind, predicate, content):
    return Paper(name="x", kind=kind, predicate=predicate, content=content, subject=subject, epoch=1)


def add(server, made):
    server.blobs[PATH][sha256(made.content)] = made.content
    client(server).attach(PATH, made.body, MANIFEST)


def found(server, reference="latest"):
    sign = "@" if reference.startswith("sha256:") else ":"
    return read(parse(f"{server.host}/{PATH}{sign}{reference}"), client(server))


def problems(server):
    (image,) = found(server).images
    return image.problems


def test_a_good_image_has_all_of_it(server):
    digest = publish(server)
    told = found(server)
    assert (told.good, told.digest, told.index) == (True, digest, False)
    (image,) = told.images
    assert (image.digest, image.id, image.platform) == (digest, sha256(CONFIG), "linux/amd64")
    assert (image.size, len(image.diff_ids), image.signed) == (7, 2, False)
    assert (image.cell, image.base, list(image.packages)) == ("the-cell", "debian:12", PURLS)
    assert dataclasses.astuple(image.verdict) == ("passed", "basic", 2, 0.5)
    assert len(image.papers) == 4
    text = shown.as_text(told)
    assert "1 of Python, 1 of the system" in text
    assert "loss 0.5000" in text
    assert found(server, digest).images == told.images


@pytest.mark.parametrize("name", documents(b""))
def test_a_missing_paper_is_told(server, name):
    publish(server, leave=[name])
    assert problems(server) == (f"{name} is not attached, or is no good",)


@pytest.mark.parametrize("name", documents(b""))
def test_a_paper_about_another_image_is_told(server, name):
    other = documents(manifest(annotations={}))
    publish(server, change=lambda each, document: other[each][2] if each == name else document)
    told = problems(server)
    assert any(f"{name}: it is about another image" in one for one in told)
    assert f"{name} is not attached, or is no good" in told


@pytest.mark.parametrize("name", documents(b""))
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"[]",
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"subject": 3, "packages": {}, "metadata": []}',
        b"\xff",
    ],
)
def test_a_paper_that_is_none_is_told(server, name, content):
    publish(server, change=lambda each, document: content if each == name else document)
    told = problems(server)
    assert f"{name} is not attached, or is no good" in told
    assert len(told) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "failed"}, "it says: failed"),
        ({"image": "sha256:" + "0" * 64}, "it is the verdict on another image"),
        ({"cell": "another"}, "its papers name different cells: another, the-cell"),
        ({"level": "static"}, "nothing was trained for it (level static)"),
        ({"checks": []}, "its checks say otherwise: there are none"),
        ({"checks": [{"id": "save.load", "required": True, "status": "fail"}]}, "say otherwise: save.load"),
        ({"checks": [{"id": "gpu.train", "required": True, "status": "skip"}]}, "say otherwise: gpu.train"),
    ],
)
def test_a_verdict_that_is_not_this_one_is_told(server, change, told):
    def changed(name, document):
        return (
            document | {"predicate": document["predicate"] | change}
            if name == "verification.json"
            else document
        )

    publish(server, change=changed)
    assert any(told in one for one in problems(server))


def test_a_second_bad_verdict_is_told_beside_the_good_one(server):
    body = manifest()
    publish(server, body)
    kind, predicate, document = documents(body)["verification.json"]
    document["predicate"]["status"] = "failed"
    add(server, paper(body, kind, predicate, json.dumps(document).encode()))
    (told,) = problems(server)
    assert "it says: failed" in told


def test_bills_that_do_not_agree_are_told(server):
    def changed(name, document):
        return document | {"components": document["components"][:1]} if "cdx" in name else document

    publish(server, change=changed)
    assert problems(server) == ("its bills of materials do not list the same packages",)


def test_layers_that_are_gone_or_cut_short_are_told(server):
    publish(server)
    del server.blobs[PATH][sha256(LAYERS[0])]
    server.blobs[PATH][sha256(LAYERS[1])] = b"tw"
    one, other = problems(server)
    assert one == f"layer {sha256(LAYERS[0])[7:19]} is not there"
    assert other == f"layer {sha256(LAYERS[1])[7:19]} is 2 bytes long, not 4"


@pytest.mark.parametrize(
    "changes",
    [
        {"config": None},
        {"config": described(CONFIG) | {"size": 10**12}},
        {"config": described(CONFIG) | {"digest": "sha256:../.."}},
        {"layers": None},
        {"layers": [3]},
        {"layers": [described(LAYERS[0]) | {"size": True}]},
        {"annotations": [1]},
        {"annotations": {"a\x1b[2J": "b\x1b[2J"}},
    ],
)
def test_a_manifest_that_is_odd_is_shown_as_far_as_it_goes(server, changes):
    publish(server, manifest(**changes))
    text = shown.as_text(found(server))
    assert "\x1b" not in text
    if "annotations" not in changes:
        assert not found(server).good


def test_an_index_shows_each_platform_and_leaves_out_what_is_no_image(server):
    publish(server)
    other = manifest(annotations={"x": "y"})
    publish(server, other)
    index = json.loads(manifests.index([("linux/amd64", manifest()), ("linux/arm64", other)]))
    index["manifests"].append(described(b"?") | {"platform": {"os": "unknown", "architecture": "unknown"}})
    put(server, json.dumps(index).encode(), kind=INDEX)
    told = found(server)
    assert (told.good, told.index) == (True, True)
    assert [image.digest for image in told.images] == [sha256(manifest()), sha256(other)]
    assert "an index of 2 images" in shown.as_text(told)


@pytest.mark.parametrize(
    "entries", [[], None, [3], [{"platform": {}}], [described(CONFIG) | {"platform": {"os": "linux"}}] * 99]
)
def test_an_index_that_is_odd_is_told(server, entries):
    put(server, json.dumps({"mediaType": INDEX, "manifests": entries}).encode(), kind=INDEX)
    told = found(server)
    assert not told.good
    assert told.problems


def test_what_is_not_there_is_an_error(server):
    with pytest.raises(OutsideError, match=f"{server.host} has no {server.host}/{PATH}:nix"):
        found(server, "nix")


def test_a_signature_is_seen(server):
    digest = publish(server)
    put(server, manifest(), tag=f"{digest.replace(':', '-')}.sig")
    assert found(server).images[0].signed


def test_what_others_attached_is_no_problem(server):
    body = manifest()
    publish(server, body)
    for predicate in ("", "https://example.com/other"):
        add(
            server, Paper(name="n", kind=IN_TOTO, predicate=predicate, content=b"\x00", subject=body, epoch=3)
        )
    assert problems(server) == ()
