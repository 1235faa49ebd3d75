"""`envbuild publish --sign`: cosign accepts what was published, and no tag names what is not signed."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cosign
import pytest
import registry
from cosign import Cosign, Key
from fault_proxy import FOREVER, Fault, Turn, before, status
from main_job import CELL, Ended, Passed

from builder.registry import connect

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("signed") / "registry") as found:
        yield found


@pytest.fixture(scope="module", params=cosign.RELEASES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cosign:
    return cosign.of(request.param, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def key(program: Cosign, tmp_path_factory: pytest.TempPathFactory) -> Key:
    return program.key(tmp_path_factory.mktemp("keys") / "own")


@pytest.fixture(scope="module")
def matrix(passed: Passed) -> Path:
    """The quickstart's, with an alias; built and proven again from what is kept."""
    found = passed.matrix.with_name("signed.yaml")
    found.write_text(passed.matrix.read_text() + "\naliases: [latest]\n")
    ended = passed.job.run("up", found, "--out", passed.job.folder / "signed", "-q")
    assert ended.code == 0, ended.err
    return found


def publish(passed: Passed, matrix: Path, to: str, *options: object, **env: str) -> Ended:
    words = ("publish", matrix, "--out", passed.job.folder / "signed", "--to", to)
    ended = passed.job.run(*words, *options, env=env)
    assert not ended.traceback, ended.err
    return ended


def tags(address: str, name: str) -> set[str]:
    """Those of a repository, without the ones that signatures and papers lie under."""
    with urllib.request.urlopen(f"http://{address}/v2/{name}/tags/list") as answer:
        found = json.load(answer)["tags"] or ()
    return {tag for tag in found if not tag.startswith("sha256-")}


def test_what_was_published_is_signed_by_that_key(*, passed, matrix, place, program, key, tmp_path) -> None:
    to = f"{place.address}/team/torch"
    unsigned = publish(passed, matrix, f"{to}-{program.program.parent.name}")
    assert unsigned.code == 0, unsigned.err
    ended = publish(passed, matrix, to, "--sign", key.private, **program.env)
    assert ended.code == 0, ended.err
    reference = ended.out.strip()
    assert program.verifies(key, reference)
    assert not program.verifies(program.key(tmp_path / "other"), reference)
    assert not program.verifies(key, unsigned.out.strip())
    assert tags(place.address, "team/torch") == {CELL, "latest"}
    record = passed.job.folder / "signed" / CELL / "release.json"
    assert json.loads(record.read_text())["value"]["signed"].startswith("sha256:")
    papers = {digest for _, digest in json.loads(record.read_text())["value"]["papers"]}
    there = connect(place.address)
    listed = {each.digest for each in there.referrers("team/torch", reference.partition("@")[2])}
    there.close()
    assert papers <= listed  # cosign's own entry leaves them in the list
    before_again = dict(place.blobs)
    again = publish(passed, matrix, to, "--sign", key.private, **program.env)
    assert (again.code, again.out) == (0, ended.out)
    assert place.blobs == before_again


def test_no_tag_names_what_could_not_be_signed(passed, matrix, place, program, key) -> None:
    def refuse(turn: Turn) -> None:
        if "cosign" in turn.headers["User-Agent"]:
            status(403)(turn)
        else:
            turn.say(turn.ask())

    name = f"team/refused-{program.program.parent.name}"
    with before(place.address) as proxy:
        proxy.faults.append(Fault("PUT|POST|PATCH", "/v2/", refuse, times=FOREVER))
        ended = publish(passed, matrix, f"{proxy.address}/{name}", "--sign", key.private, **program.env)
    assert (ended.code, ended.out) == (4, "")
    assert "signing" in ended.err
    assert "cosign says:" in ended.err
    assert tags(place.address, name) == set()


def test_nothing_is_sent_where_nothing_can_be_signed(
    *, passed, matrix, place, program, key, tmp_path
) -> None:
    before_all = dict(place.blobs)
    env = {**program.env, "COSIGN_PASSWORD": "wrong-password"}
    ended = publish(passed, matrix, f"{place.address}/team/none", "--sign", key.private, **env)
    assert (ended.code, ended.out) == (2, "")
    assert "COSIGN_PASSWORD" in ended.err
    assert "wrong-password" not in ended.err
    ended = publish(passed, matrix, f"{place.address}/team/none", "--sign", key.private, PATH=str(tmp_path))
    assert (ended.code, ended.out) == (2, "")
    assert "cosign is not there" in ended.err
    assert place.blobs == before_all
