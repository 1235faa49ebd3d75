"""SIGKILL at each step on the way into a real registry: no tag on a part, and the next run sends the rest."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import registry
from fault_proxy import Fault, Proxy, Turn, before
from main_job import CELL, PATIENCE, Passed

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

DIGEST, UPLOADS = "sha256:", "/blobs/uploads/"
# The request that is under way when the process dies, and how many like it pass before.
STEPS = {
    "asking what is there": ("GET", f"/manifests/{DIGEST}", 0),
    "a layer begins": ("POST", UPLOADS, 0),
    "amid a layer": ("PATCH", UPLOADS, 3),
    "a layer ends": ("PUT", UPLOADS, 1),
    "the manifest": ("PUT", f"/manifests/{DIGEST}", 0),
    "a paper": ("PUT", f"/manifests/{DIGEST}", 2),
    "the list of papers": ("PUT", "/manifests/sha256-", 1),
    "the tag": ("PUT", f"/manifests/{CELL}", 0),
    "the alias": ("PUT", "/manifests/latest", 0),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A registry, a proxy before it, and the quickstart's image with an alias."""

    kept: registry.Registry
    proxy: Proxy
    passed: Passed
    matrix: Path
    out: Path

    def words(self, repository: str) -> tuple[object, ...]:
        to = f"{self.proxy.address}/{repository}"
        for record in self.out.glob("*/release.json"):
            if f'"{to}"' not in record.read_text():
                record.unlink()  # else blobs are mounted from the repository that it names
        return ("publish", self.matrix, "--out", self.out, "--to", to)

    def tags(self, repository: str) -> dict[str, str]:
        """Tags and the digests that they name, as they lie on the registry's disk."""
        folder = self.kept.folder / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        return {path.parent.parent.name: path.read_text() for path in folder.glob("*/current/link")}

    def ended(self, repository: str) -> int:
        """How many uploads of blobs came to their end, by the registry's log."""
        begin = f"/v2/{repository}{UPLOADS}"
        return sum(
            method == "PUT" and path.startswith(begin) and status == 201
            for method, path, status in self.kept.requests
        )

    def check_whole(self, repository: str) -> None:
        """What a tag names is there, with all that it names in turn."""
        for digest in self.tags(repository).values():
            assert self.missing(digest) == []

    def missing(self, digest: str) -> list[str]:
        if digest not in self.kept.blobs:
            return [digest]
        digits = digest.removeprefix(DIGEST)
        path = self.kept.folder / f"docker/registry/v2/blobs/sha256/{digits[:2]}/{digits}/data"
        document = json.loads(path.read_bytes())
        below = [one for each in document.get("manifests", ()) for one in self.missing(each["digest"])]
        named = [document["config"], *document["layers"]] if "config" in document else []
        return [*below, *(one["digest"] for one in named if one["digest"] not in self.kept.blobs)]


@pytest.fixture(scope="module")
def place(passed: Passed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    job = passed.job
    matrix = job.matrix("killed", aliases=["latest"])
    ended = job.run("up", matrix, "--out", job.folder / "killed", "-q")
    assert ended.code == 0, ended.out + ended.err
    with (
        registry.running(tmp_path_factory.mktemp("killed") / "registry") as kept,
        before(kept.address) as proxy,
    ):
        yield Place(kept=kept, proxy=proxy, passed=passed, matrix=matrix, out=job.folder / "killed")


@pytest.mark.parametrize("late", [False, True], ids=["before it arrives", "when it has arrived"])
@pytest.mark.parametrize("step", STEPS)
def test_the_next_run_ends_what_a_killed_one_began(place: Place, step: str, *, late: bool) -> None:
    method, path, skip = STEPS[step]
    repository = f"team/{list(STEPS).index(step)}-{late:d}"
    reached, killed = threading.Event(), threading.Event()

    def do(turn: Turn) -> None:
        if late:
            turn.ask()
        reached.set()
        killed.wait(PATIENCE)
        turn.hang_up()

    place.proxy.faults[:] = [Fault(method, f"/v2/{repository}/.*{path.lstrip('/')}", do, skip=skip)]
    with place.passed.job.start(*place.words(repository)) as process:
        assert reached.wait(PATIENCE), process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        killed.set()
    place.proxy.faults.clear()
    place.check_whole(repository)
    if step not in ("the tag", "the alias"):
        assert not {CELL, "latest"} & set(place.tags(repository))
    again = place.passed.job.run(*place.words(repository))
    assert (again.code, again.traceback) == (0, False), again.err
    place.check_whole(repository)
    digest = again.out.strip().partition("@")[2]
    assert {tag: place.tags(repository)[tag] for tag in (CELL, "latest")} == {CELL: digest, "latest": digest}
    release = json.loads((place.out / CELL / "release.json").read_text())["value"]
    blobs = len({layer["digest"] for layer in release["layers"]}) + 1 + len(release["papers"]) + 1
    assert place.ended(repository) == blobs  # none twice
