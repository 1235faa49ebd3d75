"""How this machine reaches its indexes: one value, of pip's settings, uv's and the usual variables."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from builder.source.scrub import bare, secrets_of

Credentials = tuple[str, str]  # user, password


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where packages come from and how to get there. Addresses may hold credentials: show them only through
    `scrub`.

    `index` None means the public package index. `cert` is a file or a folder of certificates, `client_cert` a
    PEM file. `trusted` are hosts (`host` or `host:port`) whose certificate is not checked. `timeout` is in
    seconds.
    """

    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str | None = None
    client_cert: str | None = None
    trusted: tuple[str, ...] = ()
    proxy: str | None = None
    timeout: float | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that these settings name."""
        proxy = (self.proxy,) if self.proxy else ()
        index = (self.index,) if self.index else ()
        return (*index, *self.extra_indexes, *self.find_links, *proxy)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message, note or log may hold."""
        return secrets_of(self.addresses)

    def credentials(self, url: str) -> Credentials | None:
        """User and password for `url`: those of the configured address with the same scheme, host and port.

        Of several, the one whose path has most in common with `url` (one host may serve two teams).
        """
        wanted = _origin(url)
        known = [one for one in self.addresses if "@" in urlsplit(one).netloc and _origin(one) == wanted]
        if not known:
            return None
        best = max(known, key=lambda one: _shared(urlsplit(one).path, urlsplit(url).path))
        parts = urlsplit(best)
        return unquote(parts.username or ""), unquote(parts.password or "")

    def trusts(self, url: str) -> bool:
        """Whether the user told pip to trust this host without a certificate."""
        host = urlsplit(url).hostname or ""
        return host in self.trusted or urlsplit(bare(url)).netloc in self.trusted


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _shared(one: str, other: str) -> int:
    """How many leading characters two paths share."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
