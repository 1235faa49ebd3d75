"""What passed goes to a real registry by its digest, nothing twice, and nothing else goes at all."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

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
        one for one in found["sbom.spdx.json"]["packages"] if one.get("checksums") and one["name"] == CELL
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


def test_another_repository_of_the_registry_has_the_blobs_from_the_first(
    passed: Passed, place: registry.Registry, published: str
) -> None:
    """They are mounted; and the bills of materials of equal images are equal, wherever these lie."""
    assert publish(passed, place).out.strip() == published
    first = passed.record("release")
    try:
        before = set(place.blobs)
        assert publish(passed, place, name="team/another").code == 0
        second = passed.record("release")
        assert {layer["how"] for layer in second["layers"]} == {"mounted"}
        assert second["digest"] == first["digest"]
        sent = sum(size for digest, size in place.blobs.items() if digest not in before)
        assert sent < 100_000  # a provenance that names this repository, and its manifest
        bills = [dict(told["papers"]) for told in (first, second)]
        for name in ("sbom.cdx.json", "sbom.spdx.json"):
            assert bills[0][name] == bills[1][name]
    finally:
        assert publish(passed, place).code == 0  # the record tells of the first again


def test_a_record_that_cannot_be_written_does_not_hide_what_was_published(
    passed: Passed, place: registry.Registry
) -> None:
    record = passed.folder / "release.json"
    kept = record.read_bytes()
    record.unlink()
    record.mkdir()
    try:
        ended = publish(passed, place, name="team/unrecorded")
        assert ended.code == 0
        assert ended.out.startswith(f"{place.address}/team/unrecorded@sha256:")
        assert f"{record} was not written" in ended.err
    finally:
        record.rmdir()
        record.write_bytes(kept)


@pytest.mark.parametrize("options", [("--to", ""), ("--offline",)])
def test_what_goes_nowhere_is_told(passed: Passed, options: tuple[str, ...]) -> None:
    ended = passed.job.run("publish", passed.matrix, "--out", passed.out, *options)
    assert (ended.code, ended.out, ended.traceback) == (2, "", False)


def _with_a_failure(record: bytes) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = json.loads(record)["value"]["checks"]
    next(check for check in checks if check["id"] == "save.load")["status"] = "fail"
    return checks


def test_what_the_matrix_asks_since_must_be_proven_anew(passed: Passed, place: registry.Registry) -> None:
    """A verdict on ten epochs says nothing of eleven, and an image may be too large for a new budget."""
    text, lock = passed.matrix.read_text(), passed.matrix.with_name("quickstart.lock.json")
    locked = lock.read_bytes()
    try:
        for more, told in (
            ("verify: {epochs: 11}", "the matrix wants other things proven than were"),
            ("budget: {size: 500MB}", "its budget is 0.50 GB"),
        ):
            passed.matrix.write_text(f"{text}\n{more}\n")
            assert passed.job.run("lock", passed.matrix).code == 0
            ended = publish(passed, place, "--dry-run", name="team/refused")
            assert (ended.code, ended.out) == (1, ""), ended.err
            assert told in ended.err
    finally:
        passed.matrix.write_text(text)
        lock.write_bytes(locked)


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
            ({"cell": "another"}, "the verdict is on another cell (another)"),
            ({"wanted": "0" * 64}, "the matrix wants other things proven than were"),
            ({"checks": []}, "its record contradicts itself: the report is not complete: missing"),
            ({"checks": _with_a_failure(kept)}, "its record contradicts itself: its checks come to: failed"),
            ({"reason": 5}, "verification.json is not a record that can be read"),
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
