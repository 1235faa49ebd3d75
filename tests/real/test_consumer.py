"""What is published is read back, and pulled and proven where nobody has built it."""

import json
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest
import registry
from main_job import CELL, Ended, Passed
from private_engine import private

from builder.registry import connect
from builder.registry.api import INDEX
from builder.release.attachments import VERIFICATION, Paper, attach

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real
PAPERS = {"sbom.cdx.json", "sbom.spdx.json", "provenance.json", "verification.json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("consumer") / "registry") as found:
        yield found


def published(passed: Passed, place: registry.Registry, name: str) -> str:
    words = ("publish", passed.matrix, "--out", passed.out, "-q", "--to", f"{place.address}/team/{name}")
    ended = passed.job.run(*words)
    assert ended.code == 0, ended.err
    return ended.out.strip()


def shown(passed: Passed, reference: str) -> Ended:
    ended = passed.job.run("show", reference, "--json")
    assert not ended.traceback, ended.err
    return ended


def test_everything_is_read_back_and_fits(passed: Passed, place: registry.Registry) -> None:
    reference = published(passed, place, "whole")
    name, _, digest = reference.partition("@")
    ended = shown(passed, f"{name}:{CELL}")
    assert ended.code == 0, ended.out
    told = json.loads(ended.out)
    (image,) = told["images"]
    assert (told["good"], told["digest"], image["digest"]) == (True, digest, digest)
    assert image["id"] == passed.record("image")["id"]
    assert image["cell"] == CELL
    assert {paper["name"] for paper in image["papers"]} == PAPERS
    assert image["size"] == sum(layer["size"] for layer in passed.record("release")["layers"])
    assert len(image["packages"]) > 50
    assert image["verdict"]["checks"] == len(passed.record("verification")["checks"])
    text = passed.job.run("publish", "--verify", reference)
    assert text.code == 0, text.err
    assert reference in text.out
    assert f"cell       {CELL}" in text.out


def test_what_is_missing_or_forged_is_told(passed: Passed, place: registry.Registry) -> None:
    reference = published(passed, place, "tampered")
    digest = reference.partition("@")[2]
    with closing(connect(place.address)) as client:
        manifest = client.manifest("team/tampered", digest)
        assert manifest is not None
        forged = {
            "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicate": {"image": passed.record("image")["id"], "status": "failed", "checks": []},
        }
        paper = Paper(
            name="verification.json",
            kind="application/vnd.in-toto+json",
            predicate=VERIFICATION,
            content=json.dumps(forged).encode(),
            subject=manifest.body,
            epoch=1,
        )
        attach(paper, client, "team/tampered")
        listed = client.manifest("team/tampered", digest.replace(":", "-"))
        assert listed is not None
        index = json.loads(listed.body)
        index["manifests"] = [one for one in index["manifests"] if "spdx" not in one["artifactType"]]
        client.put("team/tampered", json.dumps(index).encode(), INDEX, digest.replace(":", "-"))
    ended = shown(passed, reference)
    assert ended.code == 1
    (image,) = json.loads(ended.out)["images"]
    assert "sbom.spdx.json is not attached, or is no good" in image["problems"]
    assert any("verification.json: it says: failed" in problem for problem in image["problems"])


def test_an_image_of_somebody_else_is_shown_as_far_as_it_goes(
    passed: Passed, place: registry.Registry
) -> None:
    place.push(passed.job.client, passed.base, "team/other", "1")
    ended = passed.job.run("show", f"{place.address}/team/other:1")
    assert (ended.code, ended.traceback) == (1, False)
    assert "envbuild did not publish it" in ended.out
    assert ended.out.count("is not attached, or is no good") == len(PAPERS)


@pytest.mark.parametrize("store", ["containerd", pytest.param("overlay2", marks=pytest.mark.engines)])
def test_another_engine_pulls_and_proves_it(passed: Passed, place: registry.Registry, store: str) -> None:
    reference = published(passed, place, "pulled")
    with private(store) as engine:
        ended = passed.job.run("pull-check", reference, "--engine", engine, "--json", "-q")
        assert ended.code == 0, ended.out + ended.err
        (result,) = json.loads(ended.out)["cells"]
        checks = {check["id"]: check["status"] for check in result["verification"]["checks"]}
        assert result["outcome"] == "passed"
        own = ("pull.image", "pull.papers", "pull.contents")
        assert [checks[name] for name in own] == ["pass"] * 3
        assert checks["train.curve"] == "pass"
        with closing(docker.DockerClient(base_url=engine)) as client:
            assert client.images.list() == []


def test_an_old_docker_is_told_what_it_cannot_read(passed: Passed, place: registry.Registry) -> None:
    ended = passed.job.run("pull-check", published(passed, place, "old"))
    if passed.job.engine.about().version.startswith("20."):
        assert ended.code == 4
        assert "packed with zstd" in ended.out
        assert "--compat" in ended.out
    else:
        assert ended.code == 0, ended.out
