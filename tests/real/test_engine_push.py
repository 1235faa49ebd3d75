"""Docker's and Podman's own push to a real registry: what it tells is what arrived; a refusal fails it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import registry
from fault_proxy import FOREVER, Fault, Reply, Turn, before, status

from builder.engine.api import Engine, MayPassError, Progress
from builder.errors import InterruptedByUserError, OutsideError
from builder.registry import connect, credentials

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
NEVER = threading.Event()
PUT = ("PUT", "/manifests/")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("push") / "registry") as found:
        yield found


@pytest.fixture
def named(either: Engine, tiny: str) -> Iterator:
    """Gives the small image a name, which is gone after the test."""
    names: list[str] = []

    def name(address: str) -> str:
        names.append(f"{address}/team/tiny:1")
        either.tag(tiny, names[-1])
        return names[-1]

    yield name
    for each in names:
        either.untag(each)


def silent(progress: Progress) -> None:
    pass


def test_the_digest_that_is_told_is_that_of_the_manifest_there(either, named, place):
    said: list[Progress] = []
    reference = named(place.address)
    digest = either.push(reference, {}, said.append, NEVER)
    with closing(connect(place.address)) as there:
        found = there.manifest("team/tiny", "1")
    assert found
    assert found.digest == digest
    assert {progress.step for progress in said} == {f"pushing {reference}"}
    assert all(progress.current <= progress.total for progress in said if progress.total)
    assert either.push(reference, {}, silent, NEVER) == digest


def denied(turn: Turn) -> None:
    turn.swallow()
    body = json.dumps({"errors": [{"code": "DENIED", "message": "not you"}]}).encode()
    turn.say(Reply(status=403, headers={"Content-Type": "application/json"}, body=body))


def test_a_denied_manifest_fails_although_the_engine_answers_200(either, named, place):
    with before(place.address) as proxy:
        fault = Fault(*PUT, denied, times=FOREVER)
        proxy.faults.append(fault)
        with pytest.raises(OutsideError, match="does not let this login write there") as caught:
            either.push(named(proxy.address), {}, silent, NEVER)
    assert not isinstance(caught.value, MayPassError)
    assert fault.met >= 1


@pytest.mark.parametrize("code", [500, 502, 503])
def test_a_registry_that_fails_at_the_moment_is_told_apart(either, named, place, code):
    with before(place.address) as proxy:
        proxy.faults.append(Fault(*PUT, status(code), times=FOREVER))
        with pytest.raises(MayPassError, match="fails at the moment"):
            either.push(named(proxy.address), {}, silent, NEVER)


def test_a_registry_that_takes_nothing_fails_the_push(either, named, tmp_path):
    with (
        registry.running(tmp_path / "registry", readonly=True) as found,
        pytest.raises(OutsideError, match=r"pushing .*tiny:1 failed"),
    ):
        either.push(named(found.address), {}, silent, NEVER)
    assert found.blobs == {}


def test_a_login_opens_the_registry_that_it_is_for(either, named, tmp_path):
    config = tmp_path / "auth.json"
    with registry.running(tmp_path / "registry", locked=True) as found:
        reference = named(found.address)
        for password, good in ((None, False), ("another-password", False), (registry.PASSWORD, True)):
            given = base64.b64encode(f"{registry.USER}:{password}".encode()).decode()
            config.write_text(json.dumps({"auths": {found.address: {"auth": given}} if password else {}}))
            auth = credentials.for_engine(found.address, {"REGISTRY_AUTH_FILE": str(config)})
            if good:
                assert either.push(reference, auth, silent, NEVER).startswith("sha256:")
                continue
            with pytest.raises(OutsideError, match="does not let this login write there") as caught:
                either.push(reference, auth, silent, NEVER)
            assert not isinstance(caught.value, MayPassError)
            assert "another-password" not in str(caught.value)


def test_a_push_that_is_called_off_ends(either, named, place):
    cancel, reached = threading.Event(), threading.Event()

    def hang(turn: Turn) -> None:
        turn.swallow()
        reached.set()
        turn.proxy.over.wait(60)
        turn.hang_up()

    def stop() -> None:
        reached.wait(60)
        cancel.set()

    with before(place.address) as proxy:
        proxy.faults.append(Fault("PUT|POST|PATCH|HEAD", "/v2/team", hang, times=FOREVER))
        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(InterruptedByUserError):
            either.push(named(proxy.address), {}, silent, cancel)
        stopper.join()


def test_a_name_that_the_engine_does_not_have_fails(either, place):
    with pytest.raises(OutsideError, match="pushing"):
        either.push(f"{place.address}/team/nobody:1", {}, silent, NEVER)
    assert not (Path(place.folder) / "docker/registry/v2/repositories/team/nobody").exists()
