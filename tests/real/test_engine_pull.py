"""A real daemon pulls from a registry that is a few lines long, and meets every refusal there is."""

import base64
import gzip
import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import pytest
from engine_members import tiny_rootfs

from builder.engine import connect
from builder.engine.api import Progress
from builder.errors import OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code, kind, content = self.server.answer(self.path, self.headers)
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Content-Digest", digest(content))
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815  # http.server's name

    def log_message(self, *words):
        pass


class Registry(ThreadingHTTPServer):
    """Holds one image, `base:1`; `refusal` is what every question is answered with while it is set."""

    def __init__(self, rootfs: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusal: tuple[int, str] | None = None
        self.seen: list[str] = []
        layer = gzip.compress(rootfs, mtime=0)
        rootfs_of = {"type": "layers", "diff_ids": [digest(rootfs)]}
        settings = {"Env": ["FROM=registry"]}
        image = {"architecture": "amd64", "os": "linux", "config": settings, "rootfs": rootfs_of}
        config = json.dumps(image).encode()
        parts = {"config": described(CONFIG, config), "layers": [described(LAYER, layer)]}
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, **parts}).encode()
        self.blobs = {digest(content): content for content in (layer, config)}

    def answer(self, path: str, headers) -> tuple[int, str, bytes]:
        self.seen.append(str(headers.get("Authorization")))
        if self.refusal:
            code, words = self.refusal
            return code, "application/json", json.dumps({"errors": [{"code": words}]}).encode()
        name = path.rpartition("/")[2]
        if "/manifests/" in path and name in ("1", digest(self.manifest)):
            return 200, MANIFEST, self.manifest
        if name in self.blobs:
            return 200, "application/octet-stream", self.blobs[name]
        found = path == "/v2/"
        return (
            (200 if found else 404),
            "application/json",
            b"{}" if found else b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}',
        )


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def described(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(content), "digest": digest(content)}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    rootfs = tiny_rootfs(tmp_path_factory.mktemp("registry")).read_bytes() + os.urandom(2_000_000)
    with Registry(rootfs[: len(rootfs) // 512 * 512]) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def reference(registry, engine):
    registry.refusal = None
    name = f"127.0.0.1:{registry.server_port}/base:1"
    yield name
    engine.untag(name)


def test_an_image_arrives_with_its_bytes_told(engine, registry, reference):
    said: list[Progress] = []
    image = engine.pull(reference, "linux/amd64", said.append)
    assert image == engine.find(reference)
    assert ("FROM", "registry") in image.env
    assert image.digests == (f"{reference.removesuffix(':1')}@{digest(registry.manifest)}",)
    counted = [progress for progress in said if progress.total]
    assert counted
    assert all(progress.current <= progress.total for progress in counted)
    again = engine.pull(f"{reference}@{digest(registry.manifest)}", "linux/amd64", said.append)
    assert again.id == image.id


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((404, "MANIFEST_UNKNOWN"), "no such image"),
        ((401, "UNAUTHORIZED"), "does not let"),
        ((403, "DENIED"), "does not let"),
        ((429, "TOOMANYREQUESTS"), "limits how often"),
        ((500, "UNKNOWN"), "failed"),
    ],
)
def test_a_refusal_is_an_error_although_the_image_is_there(engine, registry, reference, refusal, words):
    engine.pull(reference, "linux/amd64", lambda progress: None)
    registry.refusal = refusal
    with pytest.raises(OutsideError, match=words):
        engine.pull(reference, "linux/amd64", lambda progress: None)


def test_a_registry_that_nobody_runs_or_knows(engine):
    with pytest.raises(OutsideError, match="cannot reach the registry"):
        engine.pull("127.0.0.1:1/base:1", "linux/amd64", lambda progress: None)
    with pytest.raises(OutsideError, match="cannot resolve the registry"):
        engine.pull("registry.invalid/base:1", "linux/amd64", lambda progress: None)


def test_a_name_that_is_none(engine):
    with pytest.raises(OutsideError):
        engine.pull("Base:1", "linux/amd64", lambda progress: None)


def test_the_users_credentials_reach_their_registry(engine, registry, reference, tmp_path, monkeypatch):
    host = reference.partition("/")[0]
    mine, others = (base64.b64encode(words).decode() for words in (b"me:hunter2", b"you:secret"))
    given = {host: {"auth": mine}, "other.example.com": {"auth": others}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": given}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    fresh = connect(os.environ["ENVBUILD_TEST_ENGINE"])
    registry.seen.clear()
    registry.refusal = (401, "UNAUTHORIZED")
    with pytest.raises(OutsideError):
        fresh.pull(reference, "linux/amd64", lambda progress: None)
    assert set(registry.seen) == {"None", f"Basic {mine}"}
    fresh.close()


def test_a_pull_can_be_left(engine, registry, reference):
    def leave(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.pull(reference, "linux/amd64", leave)
    assert docker.APIClient(base_url=engine.about().endpoint, version="auto").ping()
