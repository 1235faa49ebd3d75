"""A registry's name → the way to it, as the Protocol promises."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from builder.registry import blobs, manifests, referrers
from builder.registry.addresses import is_loopback
from builder.registry.allowance import ASKED, allowance
from builder.registry.api import Allowance, Blob, Manifest, OnGot, OnSent, Referrer, Registry, Sent
from builder.registry.asking import Asking, Repository
from builder.registry.names import HUB, checked_digest, checked_host, checked_path, checked_reference
from builder.registry.retrying import Retrying
from builder.registry.tokens import Tokens
from builder.registry.transport import Times, Wire

HASTY = Times(connect=5.0, read=10.0)


def connect(
    host: str,
    *,
    plain_http: bool = False,
    ca: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cancel: threading.Event | None = None,
) -> Client:
    """The registry at `host` (`host:port`). Nothing is asked of it before the first call of a method.

    HTTPS, but for `plain_http`, and for a loopback host where no TLS answers (one look) and no `ca` is given.
    `ca` is a file of certificates in PEM form that are trusted beside this machine's own. `environ` tells
    where credentials and proxies are found. Raises `InputError` for a wrong name or file.
    """
    retrying = Retrying(cancel=cancel or threading.Event())
    wire = Wire(ca, environ, retrying.go_on)
    host = checked_host(host)
    local = is_loopback(urlsplit(f"//{host}").hostname or "")
    plain = plain_http or (local and not ca and not wire.speaks_tls(host))
    base = f"{'http' if plain else 'https'}://{f'registry-1.{HUB}' if host == HUB else host}"
    tokens = Tokens(host, base, wire, environ)
    return Client(asking=Asking(host=host, base=base, wire=wire, tokens=tokens, retrying=retrying))


def hasty(host: str) -> Registry:
    """The registry at `host`, of which everything is asked once: an answer within seconds is worth more."""
    retrying = Retrying(cancel=threading.Event(), attempts=1)
    made = connect(host)
    made.asking.wire.times = HASTY
    return replace(made, asking=replace(made.asking, retrying=retrying))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A `Registry` over HTTP. Names are checked here, so that none can change the address it goes into."""

    asking: Asking

    @property
    def host(self) -> str:
        """The registry's name for users."""
        return self.asking.host

    def allowance(self) -> Allowance | None:
        """See `Registry`."""
        return allowance(self._in(ASKED))

    def has(self, repository: str, digest: str) -> int | None:
        """See `Registry`."""
        return blobs.has(self._in(repository), checked_digest(digest))

    def send(self, repository: str, blob: Blob, on_sent: OnSent, mount_from: tuple[str, ...] = ()) -> Sent:
        """See `Registry`."""
        checked_digest(blob.digest)
        return blobs.send(self._in(repository), blob, on_sent, tuple(map(checked_path, mount_from)))

    def fetch(
        self, repository: str, digest: str, sink: BinaryIO, on_got: OnGot, *, size: int | None = None
    ) -> None:
        """See `Registry`."""
        blobs.fetch(self._in(repository), checked_digest(digest), sink, on_got, size)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """See `Registry`."""
        return manifests.read(self._in(repository), checked_reference(reference))

    def put(self, repository: str, body: bytes, media_type: str, reference: str | None = None) -> str:
        """See `Registry`."""
        target = checked_reference(reference) if reference else None
        return manifests.put(self._in(repository), body, media_type, target)

    def attach(self, repository: str, body: bytes, media_type: str) -> str:
        """See `Registry`."""
        return referrers.attach(self._in(repository), body, media_type)

    def referrers(
        self, repository: str, digest: str, artifact_type: str | None = None
    ) -> tuple[Referrer, ...]:
        """See `Registry`."""
        return referrers.find(self._in(repository), checked_digest(digest), artifact_type)

    def close(self) -> None:
        """See `Registry`."""
        self.asking.wire.close()

    def _in(self, path: str) -> Repository:
        return Repository(asking=self.asking, path=checked_path(path))
