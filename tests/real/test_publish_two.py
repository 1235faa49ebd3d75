"""Two cells of one matrix on their way into a real registry: what they share goes once, aliases go last."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import registry
from main_job import CELL, Ended, Passed

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real
OTHER = CELL.replace("debian12", "team12")
ALIASES = ["latest", "py{python}", {"tag": "team", "os": "team*"}]


@dataclass(frozen=True, kw_only=True)
class Two:
    """A matrix of two systems, both built and passed."""

    passed: Passed
    matrix: Path
    out: Path

    def publish(self, to: str, *options: object) -> Ended:
        ended = self.passed.job.run("publish", self.matrix, "--out", self.out, "--to", to, *options)
        assert not ended.traceback, ended.err
        return ended

    def record(self, cell: str, kind: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.out / cell / f"{kind}.json").read_text())["value"]
        return value


@pytest.fixture(scope="module")
def two(passed: Passed) -> Two:
    job = passed.job
    job.engine.tag(job.derive(passed.base, "RUN touch /etc/team", user="0"), f"{job.name}/base:12")
    own = {"team12": {"like": "debian12", "image": f"{job.name}/base:12"}}
    axes = {"os": ["debian12", "team12"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]}
    matrix = job.matrix("two", matrix=axes, systems=own, aliases=ALIASES)
    ended = job.run("up", matrix, "--out", job.folder / "two", "-q")
    assert ended.code == 0, ended.out + ended.err
    return Two(passed=passed, matrix=matrix, out=job.folder / "two")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("two") / "registry") as found:
        yield found


def named(place: registry.Registry, tag: str, repository: str = "team/two") -> str | None:
    """The digest that a tag names, as it lies on the registry's disk."""
    kept = place.folder / "docker/registry/v2/repositories" / repository / "_manifests/tags" / tag
    link = kept / "current/link"
    return link.read_text() if link.exists() else None


def sent(place: registry.Registry) -> list[str]:
    """Blobs whose upload was ended, by the registry's own log."""
    return [
        path
        for method, path, status in place.requests
        if method == "PUT" and "/blobs/" in path and status == 201
    ]


def test_a_cell_that_did_not_pass_holds_its_aliases_back(two: Two, place: registry.Registry) -> None:
    record = two.out / OTHER / "verification.json"
    kept = record.read_bytes()
    try:
        body = json.loads(kept)
        body["value"]["status"] = "failed"
        record.write_text(json.dumps(body))
        held = two.publish(f"{place.address}/team/two")
        assert (held.code, held.out, place.blobs) == (1, "", {})
        part = two.publish(f"{place.address}/team/two", "--partial")
    finally:
        record.write_bytes(kept)
    assert part.code == 1
    assert part.out.count("\n") == 1
    assert named(place, CELL) == part.out.strip().partition("@")[2]
    assert [named(place, tag) for tag in (OTHER, "latest", "py3.11", "team")] == [None] * 4
    assert f"alias latest: left alone: not all of its cells are published: {OTHER}" in part.err


def test_what_both_share_was_sent_once_and_aliases_go_last(two: Two, place: registry.Registry) -> None:
    whole = two.publish(f"{place.address}/team/two")
    assert whole.code == 0, whole.err
    digests = [line.partition("@")[2] for line in whole.out.splitlines()]
    layers = [{one["digest"]: one for one in two.record(cell, "release")["layers"]} for cell in (CELL, OTHER)]
    shared = set(layers[0]) & set(layers[1])
    assert len(shared) >= 2
    assert max(layers[1][digest]["size"] for digest in shared) > 50_000_000  # torch's own
    assert {layers[1][digest]["how"] for digest in shared} == {"there"}
    wanted = len(set(layers[0]) | set(layers[1])) + 2 + 8 + 1  # layers, configs, papers, their empty config
    assert len(sent(place)) == wanted
    assert [named(place, tag) for tag in (CELL, OTHER)] == digests
    assert [named(place, tag) for tag in ("latest", "py3.11", "team")] == [digests[0], digests[0], digests[1]]
    puts = [path.rpartition("/")[2] for method, path, _ in place.requests if method == "PUT"]
    assert set(puts[-3:]) == {"latest", "py3.11", "team"}


def test_a_second_time_puts_nothing_at_all(two: Two, place: registry.Registry) -> None:
    before = place.requests
    again = two.publish(f"{place.address}/team/two", "--json")
    assert again.code == 0, again.err
    new = place.requests[len(before) :]
    assert {method for method, _, _ in new} <= {"GET", "HEAD"}
    assert {one["step"] for one in json.loads(again.out)["aliases"]} == {"same"}


def test_in_one_run_what_both_share_is_one_cell_s_and_shared_by_the_other(
    two: Two, place: registry.Registry
) -> None:
    for cell in (CELL, OTHER):  # else their blobs are mounted from where these say that they are
        (two.out / cell / "release.json").unlink()
    before = len(sent(place))
    ended = two.publish(f"{place.address}/team/both")
    assert ended.code == 0, ended.err
    layers = [one for cell in (CELL, OTHER) for one in two.record(cell, "release")["layers"]]
    sizes = {one["digest"]: one["size"] for one in layers}
    assert sum(one["sent"] for one in layers) == sum(sizes.values())
    shared = [one for one in layers if one["how"] == "shared"]
    assert len(layers) - len(shared) == len(sizes)
    assert len(sent(place)) - before == len(sizes) + 2 + 8 + 1
    assert "MB shared with another cell" in ended.err


def test_a_part_leaves_aliases_of_all_until_the_rest_is_there(two: Two, place: registry.Registry) -> None:
    part = two.publish(f"{place.address}/team/part", "--only", OTHER)
    assert part.code == 0, part.err
    assert named(place, "latest", "team/part") is None
    assert named(place, "team", "team/part") == part.out.strip().partition("@")[2]
    assert f"left alone: not all of its cells are published: {CELL}" in part.err
    rest = two.publish(f"{place.address}/team/part", "--only", CELL)
    assert rest.code == 0, rest.err
    assert named(place, "latest", "team/part") == rest.out.strip().partition("@")[2]
