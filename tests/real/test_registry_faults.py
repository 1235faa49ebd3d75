"""The client before Debian's registry, with a proxy between them that breaks things.

Nothing may be lost, attempts are bounded, no tag names what is not whole, and the message says what happened.
"""

import hashlib
import io
import json
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import registry
from fault_proxy import FOREVER, Fault, Proxy, Turn, altered, before, cut, lost, status

from builder.errors import OutsideError
from builder.registry import connect
from builder.registry.api import MANIFEST, Blob, Sent
from builder.registry.client import Client
from builder.registry.retrying import ATTEMPTS, Retrying
from builder.registry.transport import Times
from builder.registry.uploading import CHUNK

pytestmark = pytest.mark.real

UPLOADS, MANIFESTS = "/blobs/uploads/", "/manifests/"
QUICK = Times(connect=1.0, read=1.0, settle=5.0, window=0.2, floor=1 << 30)  # for what drips and hangs
OTHER = "sha256:" + "0" * 64


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


CONFIG = b'{"architecture": "amd64"}'
LAYER = hashlib.sha256(b"layer").digest() * ((2 * CHUNK + 1_000_000) // 32)  # three chunks
BODY = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(CONFIG),
            "size": len(CONFIG),
        },
        "layers": [
            {"mediaType": "application/octet-stream", "digest": sha256(LAYER), "size": len(LAYER)},
        ],
    }
).encode()


@dataclass
class Place:
    """A repository of its own, through the proxy and directly. `pauses` are seconds, not waited for."""

    proxy: Proxy
    through: Client
    directly: Client
    path: str
    pauses: list[float]

    def publish(self) -> list[Sent]:
        """As it must be done: blobs, the manifest by its digest, the tag."""
        sent = [self.send(content) for content in (LAYER, CONFIG)]
        self.through.put(self.path, BODY, MANIFEST)
        self.through.put(self.path, BODY, MANIFEST, "2.8")
        return sent

    def send(self, content: bytes) -> Sent:
        blob = Blob(digest=sha256(content), size=len(content), open=lambda: io.BytesIO(content))
        return self.through.send(self.path, blob, lambda *_: None)

    def fetch(self, client: Client) -> bytes:
        sink = io.BytesIO()
        client.fetch(self.path, sha256(LAYER), sink, lambda *_: None)
        return sink.getvalue()

    def check_whole(self) -> None:
        """Everything is there, and a second time there is nothing to send."""
        assert self.directly.manifest(self.path, "2.8").body == BODY
        assert self.fetch(self.directly) == LAYER
        assert self.directly.has(self.path, sha256(CONFIG)) == len(CONFIG)
        assert self.publish() == [Sent(how="there", sent=0)] * 2


@pytest.fixture(scope="module")
def upstream() -> Iterator[registry.Registry]:
    with tempfile.TemporaryDirectory() as folder, registry.running(Path(folder, "registry")) as running:
        yield running


@pytest.fixture
def place(upstream, request) -> Iterator[Place]:
    path = "f" + sha256(request.node.name.encode())[7:19]
    environ = {"HOME": "/nowhere"}
    with before(upstream.address) as proxy:
        pauses: list[float] = []
        retrying = Retrying(cancel=threading.Event(), pause=pauses.append, random=lambda: 0.0)
        through, directly = (
            connect(address, plain_http=True, environ=environ)
            for address in (proxy.address, upstream.address)
        )
        through = replace(through, asking=replace(through.asking, retrying=retrying))
        yield Place(proxy=proxy, through=through, directly=directly, path=path, pauses=pauses)
        through.close()
        directly.close()


def stuck(turn: Turn) -> None:
    """Nobody reads the body, and nobody answers."""
    turn.proxy.over.wait(30)
    turn.hang_up()


def shorten(reply) -> None:
    reply.body = reply.body[:-20]


def shorten_and_say_so(reply) -> None:
    shorten(reply)
    reply.headers["Content-Length"] = str(len(reply.body))


def rename(reply) -> None:
    reply.headers["Docker-Content-Digest"] = OTHER


def replace_body(reply) -> None:
    reply.body = reply.body.replace(b'"schemaVersion": 2', b'"schemaVersion": 3')
    reply.headers.pop("Docker-Content-Digest", None)


def point_elsewhere(reply) -> None:
    reply.headers["Location"] = reply.headers["Location"].replace("127.0.0.1", "evil.example.org")


VERBS = [("HEAD", "/blobs/"), ("POST", UPLOADS), ("PATCH", UPLOADS), ("PUT", UPLOADS), ("PUT", MANIFESTS),
         ("GET", MANIFESTS)]  # fmt: skip
STATUSES = {
    f"{code} on {method} {path}": [Fault(method, path, status(code), times=2)]
    for code in (500, 502, 503)
    for method, path in VERBS
}
PASSING = STATUSES | {
    "429 that names a pause": [Fault("PATCH", UPLOADS, status(429, Retry_After="7"), skip=1)],
    "408 on the end": [Fault("PUT", UPLOADS, status(408))],
    "cut at the first byte": [Fault("PATCH", UPLOADS, cut(0))],
    "cut at byte 1": [Fault("PATCH", UPLOADS, cut(1), skip=1)],
    "cut in the middle": [Fault("PATCH", UPLOADS, cut(CHUNK // 2), skip=1)],
    "cut at the last byte": [Fault("PATCH", UPLOADS, cut(CHUNK - 1), times=2)],
    "cut in a small blob": [Fault("PUT", UPLOADS, cut(5), skip=1)],
    "cut in a manifest": [Fault("PUT", MANIFESTS, cut(100))],
    "chunk done and its answer lost": [Fault("PATCH", UPLOADS, lost, skip=1)],
    "blob done and its answer lost": [Fault("PUT", UPLOADS, lost, times=2)],
    "upload begun and its answer lost": [Fault("POST", UPLOADS, lost)],
    "manifest done and its answer lost": [Fault("PUT", MANIFESTS, lost, times=2)],
    "upload forgotten": [Fault("PATCH", UPLOADS, status(404), skip=1)],
    "upload forgotten at its end": [Fault("PUT", UPLOADS, status(404))],
    "upload that stands elsewhere": [Fault("PATCH", UPLOADS, status(416), skip=1)],
    "another digest named once": [Fault("PUT", MANIFESTS, altered(rename))],
    "another manifest read back once": [Fault("GET", MANIFESTS, altered(replace_body))],
    "manifest that breaks off": [Fault("GET", MANIFESTS, altered(shorten))],
    "manifest that is too short": [Fault("GET", MANIFESTS, altered(shorten_and_say_so))],
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_got_over(place, name):
    faults = [replace(fault) for fault in PASSING[name]]
    place.proxy.faults = list(faults)
    sent = place.publish()
    assert all(fault.met for fault in faults), "the fault did not happen"
    assert [each.how for each in sent] == ["sent", "sent"]
    assert len(place.pauses) <= 2 * ATTEMPTS
    assert len(place.proxy.seen) < 40
    if "pause" in name:
        assert place.pauses == [7.0]
    place.check_whole()


@pytest.mark.parametrize("code", [500, 503, 429])
def test_chunks_that_arrived_are_not_sent_again(place, code):
    place.proxy.faults = [Fault("PATCH", UPLOADS, status(code), skip=1, times=3)]
    place.send(LAYER)
    assert sum(each.sent for each in place.proxy.asked("PATCH")) == len(LAYER)
    assert len(place.proxy.asked("POST")) == 1


def test_a_blob_whose_end_was_lost_is_not_sent_again(place):
    place.proxy.faults = [Fault("PUT", UPLOADS, lost)]
    assert place.send(CONFIG) == Sent(how="sent", sent=len(CONFIG))
    assert [each.method for each in place.proxy.seen] == ["HEAD", "POST", "PUT", "HEAD"]


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_tokens_that_end_in_mid_upload_are_renewed(place, uses):
    place.proxy.tokens = uses
    assert [each.how for each in place.publish()] == ["sent", "sent"]
    assert len(place.proxy.issued) >= 3
    assert place.pauses == []  # a token is no failure
    assert sum(each.sent for each in place.proxy.asked("PATCH")) == len(LAYER)
    place.proxy.tokens = 0
    place.check_whole()


def test_a_blob_that_drips_is_asked_for_again(place):
    place.publish()
    place.through.asking.wire.times = QUICK
    place.proxy.faults = [Fault("GET", "/blobs/", altered(lambda reply: None, pieces=40), times=3)]
    assert place.fetch(place.through) == LAYER
    assert len(place.proxy.asked("GET", "/blobs/sha256")) == 4


def test_an_upload_that_nobody_reads_is_begun_again(place):
    place.through.asking.wire.times = QUICK
    place.proxy.faults = [Fault("PATCH", UPLOADS, stuck)]
    assert place.send(LAYER).how == "sent"
    assert place.fetch(place.directly) == LAYER


PRIVATE, HERE = "http://169.254.169.254/latest", "http://localhost:1/"
FATAL = {
    "503 for ever": ("PATCH", UPLOADS, status(503), r"503 .*FAULT the proxy says so \(6 attempts\)"),
    "429 for an hour": ("POST", UPLOADS, status(429, Retry_After="3600"), r"429 .*pause of 3600 seconds"),
    "403": ("PUT", UPLOADS, status(403), r"answered 403 Forbidden"),
    "404 for the repository": ("POST", UPLOADS, status(404), r"answered 404 Not Found"),
    "401 for ever": ("PATCH", UPLOADS, status(401), r"answered 401 Unauthorized"),
    "413": ("PATCH", UPLOADS, status(413), r"answered 413"),
    "cut for ever": ("PATCH|PUT", UPLOADS, cut(1_000_000), r"the connection to .* broke: .*\(6 attempts\)"),
    "no upload ends": ("PUT", UPLOADS, status(404), r"the upload broke off: .*404 .*\(6 attempts\)"),
    "upload elsewhere": ("POST", UPLOADS, altered(point_elsewhere), r"another host \(evil\.example"),
    "redirected upload": ("PUT", UPLOADS, status(307, Location=HERE), r"answered 307"),
    "another digest named": ("PUT", MANIFESTS, altered(rename), r"put, and the registry has sha256:0000"),
    "another manifest read back": ("GET", MANIFESTS, altered(replace_body), r"the bytes that came are"),
    "manifest that breaks off": ("GET", MANIFESTS, altered(shorten), r"the connection to .* broke"),
    "manifest that is too short": ("GET", MANIFESTS, altered(shorten_and_say_so), r"the bytes that came are"),
    "private address": ("GET", MANIFESTS, status(307, Location=PRIVATE), r"to 169\.254\.169\.254, a private"),
    "this machine": ("GET", MANIFESTS, status(302, Location=HERE), r"redirects to localhost, a private"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_does_not_pass_is_given_up_and_said(place, name):
    method, path, do, words = FATAL[name]
    fault = Fault(method, path, do, times=FOREVER)
    place.proxy.faults = [fault]
    with pytest.raises(OutsideError) as raised:
        place.publish()
    assert re.search(words, str(raised.value))
    assert re.match(rf"(sending|putting) .*{place.proxy.address}/{place.path}.* failed: ", str(raised.value))
    assert 1 <= fault.met <= 2 * ATTEMPTS
    assert len(place.proxy.seen) < 80
    assert place.directly.manifest(place.path, "2.8") is None
    arrived = [content for content in (LAYER, CONFIG) if place.directly.has(place.path, sha256(content))]
    place.proxy.faults = []
    again = place.publish()
    assert [each.how for each in again] == [
        "there" if each in arrived else "sent" for each in (LAYER, CONFIG)
    ]
    place.check_whole()


@pytest.mark.parametrize("name", ["drips", "private address", "wrong bytes", "too long"])
def test_a_blob_that_cannot_be_fetched_is_said(place, name):
    place.publish()
    do, words = {
        "drips": (
            altered(lambda reply: None, pieces=4000),
            r"only \d+ bytes came in 0 seconds \(6 attempts\)",
        ),
        "private address": (
            status(307, Location="http://10.0.0.1/blob"),
            r"redirects to 10\.0\.0\.1, a private",
        ),
        "wrong bytes": (altered(flip), r"the bytes that came are others"),
        "too long": (altered(lengthen), rf"longer than {len(LAYER)} bytes"),
    }[name]
    place.through.asking.wire.times = QUICK
    fault = Fault("GET", "/blobs/", do, times=FOREVER)
    place.proxy.faults = [fault]
    with pytest.raises(OutsideError, match=words):
        place.fetch(place.through)
    assert fault.met <= ATTEMPTS
    place.proxy.faults = []
    assert place.fetch(place.through) == LAYER


def flip(reply) -> None:
    reply.body = reply.body[:-1] + b"!"


def lengthen(reply) -> None:
    reply.body += b"!"
    reply.headers["Content-Length"] = str(len(reply.body))
