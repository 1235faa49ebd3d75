"""A registry's challenge (401) → what to put into `Authorization`: Basic, or a token for some repositories.

The user's credentials are sent to the registry itself, and to the token service that it names; nowhere else.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from builder.registry import credentials
from builder.registry.addresses import is_loopback, origin
from builder.registry.credentials import Login
from builder.registry.retrying import TRANSIENT, PassingError, RefusedError, retry_after
from builder.registry.transport import Reply, Wire

LONGEST = 1 << 20  # bytes of a token service's answer
SECONDS = 60.0  # a token's life where nothing is said
CLIENT = "envbuild"

Scopes = tuple[str, ...]


class Tokens:
    """What opens one registry, kept while it is valid. `base` is the registry's address without a path."""

    def __init__(self, host: str, base: str, wire: Wire, environ: Mapping[str, str]) -> None:
        self._host, self._base, self._wire, self._environ = host, base, wire, environ
        self._guard = threading.Lock()
        self._challenge: tuple[str, dict[str, str]] | None = None
        self._login: Login | None = None
        self._kept: dict[Scopes, tuple[str, float]] = {}  # header, when it is to be renewed
        self._secrets: set[str] = set()

    def header(self, scopes: Scopes) -> str | None:
        """The `Authorization` for these scopes; None before the registry asked for any."""
        with self._guard:
            return self._header(scopes)

    def renewed(self, challenge: str, scopes: Scopes, stale: str | None) -> str | None:
        """Another `Authorization` than `stale`, which the registry refused with this `WWW-Authenticate`; None
        where there is no other.
        """
        with self._guard:
            if self._challenge is None:
                self._login = credentials.find(self._host, self._environ)
                self._secrets |= self._login.secrets if self._login else set()
            self._challenge = _parsed(challenge)
            if self._kept.get(scopes, ("", 0.0))[0] == stale:
                self._kept.pop(scopes, None)
            fresh = self._header(scopes)
            return None if fresh == stale else fresh

    def scrub(self, text: str) -> str:
        """`text` without anything secret that a registry or token service may have put into it."""
        with self._guard:
            secrets = sorted(self._secrets, key=len, reverse=True)
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    def _header(self, scopes: Scopes) -> str | None:
        if self._challenge is None:
            return None
        kind, asked = self._challenge
        login = self._login
        if kind == "basic":
            return login.basic if login and login.password else None
        if login and login.bearer:
            return f"Bearer {login.bearer}"
        header, until = self._kept.get(scopes, ("", 0.0))
        if time.monotonic() < until:
            return header
        token, seconds = self._fetch(asked, scopes)
        self._kept[scopes] = f"Bearer {token}", time.monotonic() + seconds * 0.9
        self._secrets.add(token)
        return f"Bearer {token}"

    def _fetch(self, asked: Mapping[str, str], scopes: Scopes) -> tuple[str, float]:
        """A token, and how many seconds it is good for."""
        realm, login = self._checked(asked.get("realm", "")), self._login
        wanted = [("service", asked["service"])] if asked.get("service") else []
        if login and login.identity:
            form = [*wanted, ("client_id", CLIENT), ("scope", " ".join(scopes))]
            form += [("grant_type", "refresh_token"), ("refresh_token", login.identity)]
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = self._wire.ask("POST", realm, headers, urlencode(form).encode())
        else:
            query = urlencode([*wanted, *(("scope", each) for each in scopes)])
            joined = f"{realm}{'&' if '?' in realm else '?'}{query}"
            reply = self._wire.ask("GET", joined, {"Authorization": login.basic} if login else {})
        with reply:
            return self._read(reply)

    def _checked(self, realm: str) -> str:
        """The token service's address, where credentials may go there."""
        try:
            scheme, host, _ = origin(realm)
        except ValueError:
            raise RefusedError("the registry names no token service that can be asked") from None
        own = urlsplit(self._base)
        plain = own.scheme == "http" and (is_loopback(host) or host == own.hostname)
        if "@" in realm or (scheme != "https" and not plain):
            raise RefusedError(
                f"the registry wants the credentials sent to {scheme}://{host}, which is not safe",
                "ask who keeps the registry: its token service must have an https address",
            )
        return realm.partition("#")[0]

    def _read(self, reply: Reply) -> tuple[str, float]:
        service = f"the token service {urlsplit(reply.url).netloc}"
        if reply.status in TRANSIENT:
            raise PassingError(f"{service} answered {reply.status}", retry_after(reply.headers))
        if reply.status != 200:
            raise RefusedError(f"{service} answered {reply.status}", f"log in: docker login {self._host}")
        try:
            told = json.loads(reply.read(LONGEST))
            token = str(told.get("token") or told.get("access_token") or "")
            seconds = float(told.get("expires_in") or SECONDS)
        except (ValueError, TypeError, AttributeError):
            token, seconds = "", SECONDS
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise RefusedError(f"{service} answered with something that is no token")
        return token, seconds


def _parsed(challenge: str) -> tuple[str, dict[str, str]] | None:
    """Scheme in lower case and parameters of a `WWW-Authenticate`, which may hold several; Bearer first. None
    where it holds none that is known here.
    """
    found: dict[str, dict[str, str]] = {}
    for match in re.finditer(r'(?:(\w+)\s+)?(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))|(\w+)', challenge[:4096]):
        scheme, name, quoted, plain, alone = match.groups()
        if scheme or alone:
            kind = str(scheme or alone).lower()
            found.setdefault(kind, {})
        if name and found:
            found[kind][name.lower()] = quoted if quoted is not None else plain
    return next(((kind, found[kind]) for kind in ("bearer", "basic") if kind in found), None)
