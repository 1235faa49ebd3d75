"""Building: one POST to the engine, its stream of messages, and a way out of both."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from builder.engine import context, door
from builder.engine.api import BuildRequest, OnProgress
from builder.engine.classic import for_classic
from builder.engine.interruption import interruptible
from builder.engine.messages import error_of, messages
from builder.engine.refusals import DISK, outside, refused
from builder.engine.transcripts import BuildKitTranscript, PlainTranscript, Transcript
from builder.errors import CellError, InterruptedByUserError, OutsideError, Problem

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

Builder = Literal["buildkit", "classic", "podman"]
BUILDKIT = {"version": "2"}
# When a base image is not there and has to come from a registry: BuildKit's step, Podman's words, and the
# classic builder's step.
BASE = re.compile(
    r"\[internal\] load metadata for |creating build container: .*(docker://|registry)|^Step \S+ : FROM "
)


# Podman's own words for it: what Docker calls "none" it takes for the default, which is the host's network.
PODMAN_NO_NETWORK = {
    "networkmode": "NetworkDisabled",
    "nsoptions": json.dumps([{"Name": "network", "Host": False}]),
}
# Docker 20.10 was seen to forget a context before it had unpacked it, once in some hundred builds.
LOST = re.compile(r"build-context-\S+ context not found")


# The classic builder reads the Dockerfile before it answers, and then refuses the whole request.
UNREADABLE = re.compile(r"dockerfile parse error", re.IGNORECASE)


class _ContextLostError(Exception):
    """The engine wants the context once more."""


def build(
    client: APIClient,
    request: BuildRequest,
    on_progress: OnProgress,
    cancel: threading.Event,
    *,
    builder: Builder,
) -> str:
    """Build `request` and return the image id; no name is given to it. Raises as `Engine.build` says."""
    if builder == "classic":
        request = for_classic(request)
    try:
        return _built(client, request, on_progress, cancel, builder)
    except OutsideError as error:
        if UNREADABLE.search(str(error)):
            raise CellError(error.problems) from error
        raise


def _built(
    client: APIClient,
    request: BuildRequest,
    on_progress: OnProgress,
    cancel: threading.Event,
    builder: Builder,
) -> str:
    for _ in range(2):
        transcript: Transcript = BuildKitTranscript() if builder == "buildkit" else PlainTranscript()
        call = _Call(client, _own_parameters(builder, request))
        with (
            suppress(_ContextLostError),
            interruptible(cancel, call.stop),
            outside("the build"),
            call.send(request, cancel) as response,
        ):
            return _image(_follow(response, transcript, on_progress))
    raise OutsideError.of(
        "the engine lost the build context", hint="check its disk and its log, then try again"
    )


def _image(ident: str | None) -> str:
    if ident is None:
        raise OutsideError.of(
            "the engine ended the build without an image",
            hint="its own log tells why; look there, then build again",
        )
    return ident


def probe(client: APIClient, request: BuildRequest) -> Response:
    """The answer to a build that leaves nothing in the store."""
    return _post(
        client, request, {**BUILDKIT, "outputs": json.dumps([{"Type": "cacheonly"}])}, threading.Event()
    )


def _post(
    client: APIClient, request: BuildRequest, extra: Mapping[str, str], cancel: threading.Event
) -> Response:
    # Not docker-py's own build(): it knows no `version` (which selects BuildKit) and would hand every
    # stored registry credential to the build.
    params = {**_parameters(request), **extra}
    return door.post(client, "/build", params, context.stream(request.context, cancel), door.TAR)


class _Call:
    """One build's request, and how to call it off: by its id, and by hanging up (all that Podman knows)."""

    def __init__(self, client: APIClient, parameters: Mapping[str, str]) -> None:
        self._client, self._ident = client, uuid.uuid4().hex
        self._parameters = {**parameters, "buildid": self._ident}
        self._response: Response | None = None

    def send(self, request: BuildRequest, cancel: threading.Event) -> Response:
        """Send the request with its context; the response is a stream that is still to be read."""
        self._response = _post(self._client, request, self._parameters, cancel)
        if cancel.is_set():
            self._response.close()
            raise InterruptedByUserError.of("interrupted")
        return self._response

    def stop(self) -> None:
        """Call the build off. Both ways are tried; what fails here fails because the build is over.

        Podman 4 then forgets the build, but lets the step under way run to its end.
        """
        with suppress(Exception):
            door.post(self._client, "/build/cancel", {"id": self._ident}, None, {}).close()
        if self._response is not None:
            with suppress(Exception):
                door.hang_up(self._client, self._response)


def _own_parameters(builder: Builder, request: BuildRequest) -> Mapping[str, str]:
    """What only this builder is told."""
    if builder == "podman":
        return PODMAN_NO_NETWORK if request.network == "none" else {}
    return BUILDKIT if builder == "buildkit" else {}


def _parameters(request: BuildRequest) -> dict[str, str]:
    given = {
        "dockerfile": "Dockerfile",
        "target": request.target or "",
        "networkmode": request.network,
        "platform": request.platform,
        "buildargs": json.dumps(dict(request.args), sort_keys=True),
        "labels": json.dumps(dict(request.labels), sort_keys=True),
        "nocache": "1" if request.no_cache else "",
        "rm": "1",
        "forcerm": "1",
    }
    return {name: value for name, value in given.items() if value}


def _follow(response: Response, transcript: Transcript, on_progress: OnProgress) -> str | None:
    image = None
    for message in messages(response, "the build"):
        for progress in transcript.read(message):
            on_progress(progress)
        aux = message.get("aux")
        if isinstance(aux, dict) and aux.get("ID"):
            image = str(aux["ID"])
        said = error_of(message)
        if said:
            for progress in transcript.rest():
                on_progress(progress)
            if LOST.search(said):
                raise _ContextLostError
            raise _failure(said.strip(), transcript)
    for progress in transcript.rest():
        on_progress(progress)
    return image


def _failure(said: str, transcript: Transcript) -> CellError | OutsideError:
    step, error, lines = transcript.failure()
    if BASE.search(f"{step} {said}"):
        return refused("getting the base image for the build", error or said)
    text = f"the build failed at {step}: {error or said}" if step else f"the build failed: {said}"
    words = "\n".join((text, *lines))
    return CellError((Problem(message=words, hint=_hint(f"{said}\n{words}")),))


def _hint(words: str) -> str | None:
    if "no space left on device" in words.lower():
        return DISK
    if "exec format error" in words.lower():
        return "the base is for another architecture: this needs emulation (qemu-user-static with its binfmt)"
    if "Temporary failure resolving" in words or "Could not resolve host" in words:
        return "the step needs a network that the build does not reach: check the engine's DNS and proxy"
    return None
