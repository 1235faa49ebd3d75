"""Pushing: the engine sends an image to its registry by itself, and tells the digest that it has there."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from builder.engine import door
from builder.engine.api import MayPassError, OnProgress, Progress
from builder.engine.interruption import interruptible
from builder.engine.messages import error_of, messages
from builder.engine.refusals import Reason, outside, refused
from builder.errors import InterruptedByUserError, OutsideError

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

MAY_PASS: Reason = (
    (
        r"toomanyrequests|too many requests|rate limit|\b429\b|HTTP status:? 5\d\d|StatusCode: 5\d\d"
        r"|\b5\d\d (internal|bad|service|gateway)|connection re(fused|set)|unreachable|time(d )?out"
        r"|awaiting headers|deadline|broken pipe|EOF|temporar|server misbehaving"
    ),
    "the registry, or the engine's way to it, fails at the moment",
    "try again later; the engine's own network and proxy settings count here, not those of this machine",
)
# The first that matches wins, as for what an engine says of a pull.
REASONS: tuple[Reason, ...] = (
    (
        r"unauthorized|authentication required|denied|forbidden|no basic auth|\b40[13]\b",
        "the registry does not let this login write there",
        "check the name's spelling, then log in to that registry (`docker login HOST`)",
    ),
    (
        r"x509|certificate|tls: |gave HTTP response to HTTPS",
        "the secure connection between engine and registry failed",
        "give the engine the registry's certificate (/etc/docker/certs.d/HOST/ca.crt), or allow plain HTTP",
    ),
    (
        r"no such host|name resolution",
        "the engine cannot resolve the registry's name",
        "check the name's spelling, and the engine's network and DNS",
    ),
    MAY_PASS,
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Docker's own store tells the digest apart as well; containerd's, and Podman, tell it in these words alone.
ENDED = re.compile(rf"\S+: digest: ({DIGEST.pattern}) size: \d+")
SECRET = ("password", "identitytoken", "registrytoken")
# Docker speaks plain HTTP with the loopback by itself, Podman where it is told to.
LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?/")


def push(
    client: APIClient,
    reference: str,
    auth: Mapping[str, str],
    on_progress: OnProgress,
    cancel: threading.Event,
) -> str:
    """Push what that name names; the digest of its manifest. Raises as `Engine.push` says."""
    what = f"pushing {reference}"

    def explained(what: str, words: str) -> OutsideError:
        for secret in filter(None, (auth.get(name) for name in SECRET)):
            words = words.replace(secret, "***")
        return _explained(what, words)

    call = _Call(client)
    with interruptible(cancel, call.stop), outside(what, explained), call.send(reference, auth) as response:
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted")
        sent, digest = _Sent(what), None
        for message in messages(response, what):
            said = error_of(message)
            if said:
                raise explained(what, said)
            digest = _digest(message) or digest
            on_progress(sent.progress(message))
    if digest is None:
        raise OutsideError.of(
            f"{what} failed: the engine ended without telling the digest of what it sent",
            hint="its own log tells why; look there, then try again",
        )
    return digest


class _Call:
    """One push's request, and the way to call it off, which is to hang up."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self._response: Response | None = None

    def send(self, reference: str, auth: Mapping[str, str]) -> Response:
        """Begin; the response is a stream that is still to be read."""
        from docker import auth as encoding  # noqa: PLC0415

        name, _, tag = reference.rpartition(":")
        params = {"tag": tag, **({"tlsVerify": "false"} if LOOPBACK.match(name) else {})}
        # Always sent: Docker before 23 refuses a push without one.
        header = str(encoding.encode_header(dict(auth)), "ascii")
        path = f"/images/{name}/push"
        self._response = door.post(self._client, path, params, None, {"X-Registry-Auth": header})
        return self._response

    def stop(self) -> None:
        """Hang up."""
        if self._response is not None:
            door.hang_up(self._client, self._response)


class _Sent:
    """Adds up what a push says about each layer."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bytes: dict[str, tuple[int, int]] = {}

    def progress(self, message: dict[str, Any]) -> Progress:
        """What one message adds."""
        status, layer = str(message.get("status") or ""), str(message.get("id") or "")
        detail = message.get("progressDetail")
        if status == "Pushing" and isinstance(detail, dict) and detail.get("total"):
            total = int(detail["total"])
            self._bytes[layer] = (min(int(detail.get("current") or 0), total), total)
        elif status == "Pushed" and layer in self._bytes:
            self._bytes[layer] = (self._bytes[layer][1],) * 2
        current, total = (sum(column) for column in zip((0, 0), *self._bytes.values(), strict=True))
        return Progress(
            step=self._what,
            current=current if total else None,
            total=total or None,
            line=None if detail or not status else f"{layer}: {status}".removeprefix(": "),
        )


def _digest(message: dict[str, Any]) -> str | None:
    """The digest that a message tells, if it does."""
    aux = message.get("aux")
    if isinstance(aux, dict) and DIGEST.fullmatch(str(aux.get("Digest"))):
        return str(aux["Digest"])
    ended = ENDED.fullmatch(str(message.get("status") or "").strip())
    return ended[1] if ended else None


def _explained(what: str, words: str) -> OutsideError:
    """The error for an engine's or a registry's words, told apart by whether it may pass."""
    error = refused(what, words, REASONS)
    first = next((reason for reason in REASONS if re.search(reason[0], words, re.IGNORECASE)), None)
    return MayPassError(error.problems) if first is MAY_PASS else error
