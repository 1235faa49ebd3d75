"""Requests to one registry: authorized, redirected where that is safe, and judged by their status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from builder.registry.addresses import is_public, origin
from builder.registry.retrying import TRANSIENT, PassingError, RefusedError, Retrying, nowhere, retry_after
from builder.registry.tokens import Tokens
from builder.registry.transport import Body, Reply, Window, Wire

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 5
SPOKEN = 1 << 14  # bytes of an error's words that are read

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `where` is a path or an address; `scopes` is what a token must allow."""

    method: str
    where: str
    scopes: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The way to one registry. `host` is its name for users, `base` its address without a path."""

    host: str
    base: str
    wire: Wire
    tokens: Tokens
    retrying: Retrying

    def ask(self, call: Call, accepted: tuple[int, ...]) -> Reply:
        """The answer, to be used as a context, if its status is one of `accepted`. Raises `PassingError` or
        `RefusedError` otherwise.
        """
        url = self.within(call.where)
        reply = self._authorized(call, url)
        for _ in range(HOPS):
            if reply.status not in REDIRECTS or call.method not in ("GET", "HEAD"):
                break
            with reply:
                url = self._next(url, reply.headers.get("Location", ""))
            own = origin(url) == origin(self.base)
            reply = self._authorized(call, url) if own else self._send(call, url, None)
        if reply.status in accepted:
            return reply
        with reply:
            raise self._refusal(reply)

    def within(self, where: str) -> str:
        """An address in this registry, from a path or from what a `Location` says. A registry behind a proxy
        may say http:// where it was asked with https://: the address keeps the scheme that we know.
        """
        own = urlsplit(self.base)
        try:
            parts = urlsplit(urljoin(self.base, where))
            same = origin(parts._replace(scheme=own.scheme).geturl()) == origin(self.base)
        except ValueError:
            raise RefusedError("it names an address that is none") from None
        if not same:
            raise RefusedError(
                f"it wants to be asked at another host ({parts.hostname}), which is not done",
                "ask who keeps the registry: its addresses must be relative, or name its own host",
            )
        return parts._replace(scheme=own.scheme, netloc=own.netloc, fragment="").geturl()

    def said(self, reply: Reply) -> str:
        """An answer in words: its status, and what the registry says to it."""
        try:
            words = self.tokens.scrub(_words(reply.read(SPOKEN)))
        except (PassingError, RefusedError):
            words = ""
        return f"the registry answered {reply.status} {reply.reason}".rstrip() + (
            f": {words}" if words else ""
        )

    def _authorized(self, call: Call, url: str) -> Reply:
        """With what opens the registry; renewed once, where it does not any more."""
        header = self.tokens.header(call.scopes)
        reply = self._send(call, url, header)
        if reply.status != 401:
            return reply
        with reply:
            refusal = self._refusal(reply)
        fresh = self.tokens.renewed(reply.headers.get("WWW-Authenticate", ""), call.scopes, header)
        if fresh is None:
            raise refusal
        return self._send(call, url, fresh)

    def _send(self, call: Call, url: str, authorization: str | None) -> Reply:
        if isinstance(call.body, Window):
            call.body.rewind()
        headers = {**call.headers, **({"Authorization": authorization} if authorization else {})}
        return self.wire.ask(call.method, url, headers, call.body)

    def _next(self, url: str, location: str) -> str:
        """Where a redirect leads: to this registry, or to a public address, and from TLS to TLS."""
        try:
            target = urljoin(url, location)
            scheme, host, _ = origin(target)
        except ValueError:
            raise RefusedError("it redirects to an address that is none") from None
        here = urlsplit(self.base)
        if "@" in urlsplit(target).netloc or (scheme != "https" and here.scheme == "https"):
            raise RefusedError(f"it redirects to {scheme}://{host}, which is not safe")
        if host != here.hostname and not is_public(host):
            raise RefusedError(
                f"it redirects to {host}, a private address, which is not followed",
                "ask who keeps the registry: it can send its blobs itself (storage.redirect.disable)",
            )
        return target

    def _refusal(self, reply: Reply) -> PassingError | RefusedError:
        """What an answer's status means."""
        said, hints = (
            self.said(reply),
            {
                401: f"log in: docker login {self.host}",
                403: f"this login may not do that; log in as another: docker login {self.host}",
                404: "check the name; some registries want a repository made before",
                413: "the registry, or a proxy before it, takes no blobs of that size",
            },
        )
        if reply.status in TRANSIENT:
            return PassingError(said, retry_after(reply.headers))
        return RefusedError(said, hints.get(reply.status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One path in a registry."""

    asking: Asking
    path: str

    def __str__(self) -> str:
        return f"{self.asking.host}/{self.path}"

    @property
    def pull(self) -> str:
        """What a token must allow for reading."""
        return f"repository:{self.path}:pull"

    @property
    def push(self) -> str:
        """What a token must allow for writing."""
        return f"repository:{self.path}:pull,push"

    def at(self, where: str) -> str:
        """A path in the registry, from one in this repository."""
        return f"/v2/{self.path}/{where}"

    def look(
        self, method: str, where: str, accepted: tuple[int, ...], headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Ask for something in this repository."""
        call = Call(method=method, where=self.at(where), scopes=(self.pull,), headers=headers or {})
        return self.asking.ask(call, accepted)

    def send(
        self, method: str, where: str, accepted: tuple[int, ...], headers: Mapping[str, str], body: Body
    ) -> Reply:
        """Ask with the right to write. `where` is a path in the registry, or an address."""
        call = Call(method=method, where=where, scopes=(self.push,), headers=headers, body=body)
        return self.asking.ask(call, accepted)

    def until(self, what: str, once: Callable[[], Made], reached: Callable[[], int] = nowhere) -> Made:
        """See `Retrying.until`."""
        return self.asking.retrying.until(what, once, reached)


def _words(body: bytes) -> str:
    """The codes and messages of a registry's error, on one line; nothing of a page meant for browsers."""
    try:
        errors = json.loads(body)["errors"]
        told = "; ".join(f"{each.get('code', '')} {each.get('message', '')}".strip() for each in errors)
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in told)[:300]
