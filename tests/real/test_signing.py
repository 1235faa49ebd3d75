"""cosign signs what a real registry has, and that alone: both generations of it, which want other words."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import cosign
import pytest
import registry
from cosign import Cosign, Key
from fault_proxy import FOREVER, Fault, Turn, before, status

from builder.engine.api import CONFIG
from builder.errors import InputError, InterruptedByUserError, OutsideError
from builder.registry import connect
from builder.registry.api import MANIFEST, Blob
from builder.release import signing

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    with registry.running(tmp_path_factory.mktemp("signing") / "registry") as found:
        yield found


@pytest.fixture(scope="module", params=cosign.RELEASES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cosign:
    return cosign.of(request.param, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def key(program: Cosign, tmp_path_factory: pytest.TempPathFactory) -> Key:
    return program.key(tmp_path_factory.mktemp("keys") / "own")


@pytest.fixture(autouse=True)
def environment(program: Cosign, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in program.env.items():
        monkeypatch.setenv(name, text)


def image(address: str, name: str) -> str:
    """`host/path@sha256:…` of an image that is there now."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "made_for": name}).encode()
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest, "size": len(config)},
        "layers": [],
    }
    with closing(connect(address)) as there:
        blob = Blob(digest=digest, size=len(config), open=lambda: BytesIO(config))
        there.send(f"team/{name}", blob, lambda *_: None)
        return f"{address}/team/{name}@{there.put(f'team/{name}', json.dumps(body).encode(), MANIFEST)}"


def signer(key: object, folder: Path, cancel: threading.Event | None = None) -> signing.Signer:
    return signing.signer(str(key), (), folder, cancel or threading.Event())


def test_a_signature_is_by_that_key_and_on_that_image(program, key, place, tmp_path):
    other = program.key(tmp_path / "other")
    signed, unsigned = image(place.address, "signed"), image(place.address, "unsigned")
    made = signer(key.private, tmp_path)
    assert made.sign(signed) == made.fingerprint
    assert program.verifies(key, signed)
    assert not program.verifies(other, signed)
    assert not program.verifies(key, unsigned)


def test_what_is_signed_is_not_signed_again(program, key, place, tmp_path):
    reference = image(place.address, "again")
    made = signer(key.private, tmp_path)
    made.sign(reference)
    there = dict(place.blobs)
    made.sign(reference)
    assert place.blobs == there
    other = program.key(tmp_path / "other")
    (tmp_path / "files").mkdir()
    signer(other.private, tmp_path / "files").sign(reference)
    assert program.verifies(key, reference)
    assert program.verifies(other, reference)


def test_a_key_may_come_from_the_environment(program, key, place, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNING_KEY", key.private.read_text())
    reference = image(place.address, "env")
    signer("env://SIGNING_KEY", tmp_path).sign(reference)
    assert program.verifies(key, reference)


def test_no_other_host_is_asked(key, place, tmp_path, monkeypatch):
    """Whoever asks one goes through a proxy, for which the registry is too near: nobody comes."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        signer(key.private, tmp_path).sign(image(place.address, "alone"))
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_the_login_of_a_named_file_opens_the_registry(program, key, tmp_path, monkeypatch):
    with registry.running(tmp_path / "registry", locked=True) as found:
        config = tmp_path / "auth.json"
        entry = {"username": registry.USER, "password": registry.PASSWORD}
        config.write_text(json.dumps({"auths": {found.address: entry}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(config))
        reference = image(found.address, "locked")
        (tmp_path / "files").mkdir()
        signer(key.private, tmp_path / "files").sign(reference)
        monkeypatch.delenv("REGISTRY_AUTH_FILE")
        (tmp_path / "more").mkdir()
        with pytest.raises(OutsideError, match=r"signing .* failed") as caught:
            signer(key.private, tmp_path / "more").sign(reference)
        assert registry.PASSWORD not in str(caught.value)


def test_a_registry_that_refuses_the_signature_is_told(program, key, place, tmp_path):
    with before(place.address) as proxy:
        reference = image(proxy.address, "refused")
        proxy.faults.append(Fault("PUT|POST|PATCH", "/v2/team", status(403), times=FOREVER))
        with pytest.raises(OutsideError, match=r"signing .*team/refused@sha256:.* failed \(cosign says: "):
            signer(key.private, tmp_path).sign(reference)
    assert not program.verifies(key, reference.replace(proxy.address, place.address))


def test_cosign_ends_when_all_is_to_end(key, place, tmp_path):
    cancel = threading.Event()

    def hang(turn: Turn) -> None:
        turn.swallow()
        cancel.set()
        turn.proxy.over.wait(60)
        turn.hang_up()

    with before(place.address) as proxy:
        reference = image(proxy.address, "ended")
        made = signer(key.private, tmp_path, cancel)
        proxy.faults.append(Fault("GET|HEAD|PUT|POST", "/v2/", hang, times=FOREVER))
        with pytest.raises(InterruptedByUserError):
            made.sign(reference)


def test_a_key_that_cannot_be_used_is_told_before_anything(program, key, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"cannot use the key .*nowhere\.key"):
        signer(tmp_path / "nowhere.key", tmp_path)
    with pytest.raises(InputError, match=r"cannot use the key env://NOBODY_SET_THIS"):
        signer("env://NOBODY_SET_THIS", tmp_path)
    with pytest.raises(InputError, match=r"cannot use the key --help"):
        signer("--help", tmp_path)
    for password in ("wrong-password", None):
        monkeypatch.delenv("COSIGN_PASSWORD")
        if password:
            monkeypatch.setenv("COSIGN_PASSWORD", password)
        with pytest.raises(InputError) as caught:
            signer(key.private, tmp_path)
        assert "COSIGN_PASSWORD" in str(caught.value.problems[0].hint)
        assert "wrong-password" not in str(caught.value)
        monkeypatch.setenv("COSIGN_PASSWORD", "")


def test_a_machine_without_cosign_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="cosign is not there") as caught:
        signer("cosign.key", tmp_path)
    assert "--sign" in str(caught.value.problems[0].hint)
