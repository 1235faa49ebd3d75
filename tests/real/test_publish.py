"""What passed goes to a real registry by its digest, nothing twice, and nothing else goes at all."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import registry
from main_job import CELL, Ended, Passed

from builder.registry import connect

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("publish") / "registry") as found:
        yield found


def publish(passed: Passed, where: registry.Registry, *options: object, name: str = "team/torch") -> Ended:
    ended = passed.job.run(
        "publish", passed.matrix, "--out", passed.out, "--to", f"{where.address}/{name}", *options
    )
    assert not ended.traceback, ended.err
    return ended


@pytest.fixture(scope="module")
def published(passed: Passed, place: registry.Registry) -> str:
    """`repository@sha256:…`, after a dry run that left nothing there."""
    dry = publish(passed, place, "--dry-run")
    assert (dry.code, dry.out, place.blobs) == (0, "", {})
    ended = publish(passed, place)
    assert ended.code == 0, ended.err
    reference = ended.out.removesuffix("\n")
    assert reference.startswith(f"{place.address}/team/torch@sha256:")
    assert reference.partition("@")[2] in dry.err  # the dry run told the very same
    return reference


def test_what_is_there_is_what_was_verified(passed: Passed, place: registry.Registry, published: str) -> None:
    body = (place.folder / blob(published.partition("@")[2])).read_bytes()
    manifest = json.loads(body)
    image = passed.record("image")
    assert manifest["config"]["digest"] == image["id"] == passed.record("verification")["image"]
    wanted = {published.partition("@")[2], image["id"], *(layer["digest"] for layer in manifest["layers"])}
    assert wanted < set(place.blobs)
    assert len(manifest["layers"]) == len(image["layers"])
    assert manifest["annotations"]["org.envbuild.cell"] == CELL


def test_its_papers_are_attached_to_it_by_digest(
    passed: Passed, place: registry.Registry, published: str
) -> None:
    """This registry keeps no list of referrers: they stand in the index under the fallback tag."""
    digest = published.partition("@")[2]
    with closing(connect(place.address, plain_http=False, ca=None, cancel=threading.Event())) as client:
        listed = client.referrers("team/torch", digest)
        found = {}
        for each in listed:
            manifest = client.manifest("team/torch", each.digest)
            assert manifest is not None
            (layer,) = json.loads(manifest.body)["layers"]
            sink = io.BytesIO()
            client.fetch("team/torch", layer["digest"], sink, lambda *_: None)
            found[layer["annotations"]["org.opencontainers.image.title"]] = json.loads(sink.getvalue())
    assert sorted(found) == ["provenance.json", "sbom.cdx.json", "sbom.spdx.json", "verification.json"]
    assert dict(passed.record("release")["papers"]).keys() == found.keys()
    digits = digest.removeprefix("sha256:")
    for name in ("provenance.json", "verification.json"):
        assert found[name]["subject"] == [
            {"name": f"{place.address}/team/torch", "digest": {"sha256": digits}}
        ]
    assert found["verification.json"]["predicate"] == passed.record("verification")
    assert found["sbom.cdx.json"]["metadata"]["component"]["version"] == digest
    (described,) = (
        one
        for one in found["sbom.spdx.json"]["packages"]
        if one.get("checksums") and one["name"].endswith("team/torch")
    )
    assert described["checksums"][0]["checksumValue"] == digits


def test_a_second_time_sends_nothing_and_says_the_same(
    passed: Passed, place: registry.Registry, published: str
) -> None:
    before = dict(place.blobs)
    again = publish(passed, place)
    assert (again.code, again.out) == (0, f"{published}\n")
    assert "0.0 MB sent" in again.err
    assert place.blobs == before
    release = passed.record("release")
    assert {layer["how"] for layer in release["layers"]} == {"there"}
    assert release["tags"] == [CELL]


def test_an_engine_gets_the_very_image_back(passed: Passed, place: registry.Registry) -> None:
    """As gzip: Docker 20.10 reads no zstd. Its copy of the image is away meanwhile."""
    ended = publish(passed, place, "--compat", name="team/compat")
    assert ended.code == 0, ended.err
    reference, client = ended.out.strip(), passed.job.client
    repository, _, digest = reference.partition("@")
    try:
        pulled = client.images.pull(repository, tag=digest)
        assert pulled.id == passed.record("image")["stored"]
    finally:
        client.images.remove(reference)


def test_layers_that_an_engine_pushed_are_not_sent_again(passed: Passed, place: registry.Registry) -> None:
    """Its gzip is not ours; the layers are the same."""
    pushed = place.push(passed.job.client, passed.tag, "team/pushed", CELL)
    before = set(place.blobs)
    ended = publish(passed, place, "--compat", name="team/pushed")
    assert ended.code == 0, ended.err
    layers = passed.record("release")["layers"]
    assert {layer["digest"] for layer in layers} == {layer["digest"] for layer in pushed["layers"]}
    assert {layer["how"] for layer in layers} == {"there"}
    sent = sum(size for digest, size in place.blobs.items() if digest not in before)
    assert sent < 1_000_000  # manifests and papers


def test_what_did_not_pass_is_told_and_not_sent(passed: Passed, place: registry.Registry) -> None:
    record = passed.folder / "verification.json"
    kept = record.read_bytes()
    try:
        for change, told in (
            ({"status": "failed"}, "its verification says: failed"),
            ({"status": "not verified"}, "its verification says: not verified"),
            ({"image": "sha256:" + "0" * 64}, "the verdict is on another image"),
            ({"verifier": "0" * 64}, "another version of the verifier"),
            ({"level": "static"}, "only looked at (level static)"),
        ):
            body = json.loads(kept)
            body["value"] |= change
            record.write_text(json.dumps(body))
            ended = publish(passed, place, name="team/refused")
            assert (ended.code, ended.out) == (1, "")
            assert told in ended.err
        record.unlink()
        ended = publish(passed, place, name="team/refused")
        assert (ended.code, ended.out) == (1, "")
        assert "it was not verified" in ended.err
    finally:
        record.write_bytes(kept)
    assert not (place.folder / "docker/registry/v2/repositories/team/refused").exists()


def test_an_immutable_tag_is_moved_by_name_alone(
    passed: Passed, place: registry.Registry, published: str
) -> None:
    """The tag names the gzip form of the same image first."""
    fixed = passed.matrix.with_name("fixed.yaml")
    fixed.write_text(passed.matrix.read_text() + '\nimmutable: ["*-torch*"]\n')
    passed.matrix.with_suffix(".lock.json").with_name("fixed.lock.json").unlink(missing_ok=True)
    job, to = passed.job, f"{place.address}/team/fixed"
    assert job.run("up", fixed, "--out", job.folder / "fixed", "-q").code == 0
    words = ("publish", fixed, "--out", job.folder / "fixed", "--to", to)
    first = job.run(*words, "--compat")
    assert first.code == 0, first.err
    refused = job.run(*words)
    assert (refused.code, refused.out) == (1, "")
    assert f"the tag {CELL} must not move" in refused.err
    assert f"--force {CELL}" in refused.err
    moved = job.run(*words, "--force", CELL)
    assert moved.code == 0, moved.err
    assert moved.out.partition("@")[2] == f"{published.partition('@')[2]}\n"


def test_a_registry_that_is_not_there_is_told(passed: Passed) -> None:
    ended = passed.job.run("publish", passed.matrix, "--out", passed.out, "--to", "127.0.0.1:9/team/torch")
    assert (ended.code, ended.out) == (4, "")
    assert "127.0.0.1:9" in ended.err
    assert not ended.traceback


def blob(digest: str) -> str:
    """A blob's file in the registry's folder."""
    digits = digest.removeprefix("sha256:")
    return f"docker/registry/v2/blobs/sha256/{digits[:2]}/{digits}/data"
