"""`envbuild publish --through engine`: what passed, pushed by the engine; where that fails, it fails."""

import json
from collections.abc import Iterator

import pytest
import registry
from fault_proxy import FOREVER, Fault, Proxy, Reply, Turn, before, status
from main_job import CELL, Ended, Passed

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("through") / "registry") as found:
        yield found


@pytest.fixture
def proxy(place: registry.Registry) -> Iterator[Proxy]:
    with before(place.address) as found:
        yield found


def publish(passed: Passed, address: str, *options: object, name: str = "team/torch") -> Ended:
    words = ("publish", passed.matrix, "--out", passed.out, "--to", f"{address}/{name}")
    ended = passed.job.run(*words, "--through", "engine", *options)
    assert not ended.traceback, ended.err
    assert not [tag for tag in tags(passed) if tag.startswith(address)]  # names for the push are gone again
    return ended


def tags(passed: Passed) -> list[str]:
    return [tag for image in passed.job.client.images.list() for tag in image.tags]


def test_the_engine_pushes_what_passed(passed: Passed, place: registry.Registry) -> None:
    dry = publish(passed, place.address, "--dry-run")
    assert (dry.code, dry.out, place.blobs) == (0, "", {})
    assert f"the engine pushes {passed.record('image')['id']}" in dry.err
    ended = publish(passed, place.address)
    assert ended.code == 0, ended.err
    reference = ended.out.removesuffix("\n")
    assert reference.partition("@")[0] == f"{place.address}/team/torch"
    assert reference.partition("@")[2] in place.blobs
    assert ended.err.count("no papers go with the images") == 1
    release = passed.record("release")
    assert (release["through"], release["tags"], release["image"]) == (
        "engine",
        [CELL],
        passed.record("image")["id"],
    )
    assert f"{release['repository']}@{release['digest']}" == reference
    client = passed.job.client
    try:
        assert client.images.pull(*reference.split("@")).id == passed.record("image")["stored"]
    finally:
        client.images.remove(reference)
    assert publish(passed, place.address).out == ended.out


def test_a_name_that_the_engine_had_before_stays(passed: Passed, place: registry.Registry) -> None:
    name = f"{place.address}/team/kept:{CELL}"
    other = passed.job.client.images.get(passed.base).id
    passed.job.engine.tag(other, name)
    try:
        words = ("publish", passed.matrix, "--out", passed.out, "--to", name.rpartition(":")[0])
        ended = passed.job.run(*words, "--through", "engine")
        assert ended.code == 0, ended.err
        assert passed.job.client.images.get(name).id == other
    finally:
        passed.job.engine.untag(name)


def denied(turn: Turn) -> None:
    turn.swallow()
    body = json.dumps({"errors": [{"code": "DENIED", "message": "not you"}]}).encode()
    turn.say(Reply(status=403, headers={"Content-Type": "application/json"}, body=body))


def test_a_denied_push_fails_the_command_at_once(passed: Passed, proxy: Proxy) -> None:
    """The engine answers 200, and tells the error inside the stream."""
    fault = Fault("PUT", "/manifests/", denied, times=FOREVER)
    proxy.faults.append(fault)
    ended = publish(passed, proxy.address, name="team/denied")
    assert (ended.code, ended.out, fault.met) == (4, "", 1)
    assert "the registry does not let this login write there" in ended.err
    assert "docker login" in ended.err


def test_what_may_pass_is_tried_again(passed: Passed, proxy: Proxy) -> None:
    fault = Fault("PUT", "/manifests/", status(503), times=2)
    proxy.faults.append(fault)
    ended = publish(passed, proxy.address, name="team/again")
    assert ended.code == 0, ended.err
    assert (fault.met, fault.times) == (2, 0)


def test_a_registry_that_takes_nothing_fails_the_command(passed: Passed, tmp_path) -> None:
    with registry.running(tmp_path / "registry", readonly=True) as found:
        ended = publish(passed, found.address)
        assert (ended.code, ended.out, found.blobs) == (4, "", {})
    assert f"pushing {found.address}/team/torch:{CELL} failed" in ended.err


def test_a_tag_that_must_not_move_is_pushed_by_name_alone(passed: Passed, place: registry.Registry) -> None:
    fixed = passed.matrix.with_name("through.yaml")
    fixed.write_text(passed.matrix.read_text() + '\nimmutable: ["*-torch*"]\naliases: [latest]\n')
    job, out = passed.job, passed.job.folder / "through"
    assert job.run("up", fixed, "--out", out, "-q").code == 0
    words = ("publish", fixed, "--out", out, "--to", f"{place.address}/team/fixed", "--through", "engine")
    refused = job.run(*words)
    assert (refused.code, refused.out) == (1, "")
    assert f"--force {CELL}" in refused.err
    assert not (place.folder / "docker/registry/v2/repositories/team/fixed").exists()
    forced = job.run(*words, "--force", CELL)
    assert forced.code == 0, forced.err
    assert "alias latest: left alone: not through the engine" in forced.err


def test_what_did_not_pass_is_not_pushed(passed: Passed, place: registry.Registry) -> None:
    for record, change, told in (
        ("verification", {"status": "failed"}, "its verification says: failed"),
        ("image", {"stored": passed.job.client.images.get(passed.base).id}, "names another image"),
    ):
        path = passed.folder / f"{record}.json"
        kept = path.read_bytes()
        try:
            body = json.loads(kept)
            body["value"] |= change
            path.write_text(json.dumps(body))
            ended = publish(passed, place.address, name="team/refused")
        finally:
            path.write_bytes(kept)
        assert (ended.code, ended.out) == (1, "")
        assert told in ended.err
    assert not (place.folder / "docker/registry/v2/repositories/team/refused").exists()


def test_options_for_the_registry_alone_are_refused(passed: Passed, place: registry.Registry) -> None:
    ended = publish(passed, place.address, "--compat", "--plain-http", "--sign", "x.key")
    assert (ended.code, ended.out) == (2, "")
    assert "--plain-http and --compat and --sign cannot be combined with --through engine" in ended.err
