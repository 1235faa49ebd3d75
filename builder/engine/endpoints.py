"""Where an engine may listen, and a connection to the first that answers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.engine.addresses import shown, tls, unsupported
from builder.engine.api import Engine
from builder.engine.strangers import why_none
from builder.errors import InputError, OutsideError

OLDEST_API = "1.40"  # Docker 19.03 and Podman 3: the first with BuildKit's parameters as they still are
BUILDER = (
    "ENVBUILD_BUILDER"  # `classic`: Docker's builder before BuildKit; anything else: what the engine has
)
ANSWER = 10  # seconds that an endpoint has to answer the first question
PATIENCE = 300  # seconds for any later one that is not a stream; removing an image on a slow disk takes long
SYSTEM_SOCKETS = ("/var/run/docker.sock", "/run/podman/podman.sock")
INSTALL = (
    "start an engine (`sudo systemctl start docker`), install one (`sudo apt-get install docker.io`), "
    "or name one with DOCKER_HOST"
)
GROUP = "add yourself to the group that may use it (`sudo usermod -aG docker $USER`, then log in again)"
FORWARD = "forward its socket (`ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`) and set DOCKER_HOST=unix:///tmp/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One place to try: `origin` tells who named it."""

    origin: str
    url: str
    tls: Any = None  # docker.tls.TLSConfig


def connect(endpoint: str | None = None) -> Engine:
    """The first engine that answers. Raises `OutsideError` with all that was tried, `InputError` for "".

    Whoever names one (`endpoint`, DOCKER_HOST, DOCKER_CONTEXT) gets that one or an error. Otherwise Docker's
    current context comes first, then the usual sockets of Docker, rootless, Docker Desktop and Podman.
    """
    if endpoint is not None and not endpoint.strip():
        raise InputError.of(
            "the container engine's address is empty",
            hint="name one (unix:///var/run/docker.sock), or leave --engine out to have one found",
        )
    tried: list[tuple[Endpoint, str]] = []
    for candidate in _candidates(endpoint, os.environ):
        answer = _answer(candidate)
        if not isinstance(answer, str):
            return answer
        tried.append((candidate, answer))
    lines = "".join(
        f"\n  {shown(candidate.url) or '-'} ({candidate.origin}): {why}" for candidate, why in tried
    )
    raise OutsideError.of(f"no container engine answers; tried{lines}", hint=_hint([why for _, why in tried]))


def usual_sockets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Socket paths by which engines listen unless told otherwise."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    home = environ.get("HOME")
    users = (
        f"{runtime}/docker.sock" if runtime else None,
        f"{home}/.docker/run/docker.sock" if home else None,
        f"{runtime}/podman/podman.sock" if runtime else None,
    )
    return (*SYSTEM_SOCKETS, *(path for path in users if path))


def _candidates(endpoint: str | None, environ: Mapping[str, str]) -> Iterator[Endpoint]:
    if endpoint:
        yield Endpoint(origin="as told", url=endpoint, tls=tls(endpoint, environ))
    elif environ.get("DOCKER_HOST"):
        url = environ["DOCKER_HOST"]
        yield Endpoint(origin="DOCKER_HOST", url=url, tls=tls(url, environ))
    elif environ.get("DOCKER_CONTEXT"):
        yield _context(environ["DOCKER_CONTEXT"], "DOCKER_CONTEXT")
    else:
        current = _context(None, "Docker's current context")
        yield current
        for path in usual_sockets(environ):
            if current.url.removeprefix("unix://").removeprefix("http+unix://") != path:
                yield Endpoint(origin="usual socket", url=f"unix://{path}")


def _context(name: str | None, origin: str) -> Endpoint:
    from docker.context import ContextAPI  # noqa: PLC0415

    try:
        found: Any = ContextAPI.get_context(name)
        return (
            Endpoint(origin=origin, url=str(found.Host or ""), tls=found.TLSConfig)
            if found
            else _none(origin, name)
        )
    except Exception:  # noqa: BLE001  # docker-py raises plain Exception for an unreadable context
        return _none(origin, name)


def _none(origin: str, name: str | None) -> Endpoint:
    return Endpoint(origin=f"{origin} {name}" if name else origin, url="")


def _answer(candidate: Endpoint) -> Engine | str:
    """An engine, or why there is none."""
    import docker  # noqa: PLC0415

    from builder.engine.docker_engine import DockerEngine  # noqa: PLC0415

    path = Path(candidate.url.removeprefix("unix://"))
    if not candidate.url:
        return "there is no such context, or it cannot be read"
    if refusal := unsupported(candidate.url):
        return refusal
    if candidate.url.startswith("unix://") and not os.path.lexists(path):
        return "no such socket"
    try:
        client = docker.APIClient(candidate.url, version="auto", timeout=ANSWER, tls=candidate.tls or False)
    except Exception as error:  # noqa: BLE001  # whatever answers there, the next one is tried
        return why_none(error, candidate.url)
    if docker.utils.version_lt(client.api_version, OLDEST_API):
        client.close()
        return (
            f"too old: its API is {client.api_version}, envbuild needs {OLDEST_API} (Docker 19.03, Podman 3)"
        )
    client.timeout = PATIENCE
    return DockerEngine(client, shown(candidate.url), classic=os.environ.get(BUILDER) == "classic")


def _hint(reasons: list[str]) -> str:
    if any("ermission denied" in reason for reason in reasons):
        return GROUP
    if any("ssh://" in reason for reason in reasons):
        return FORWARD
    return INSTALL
