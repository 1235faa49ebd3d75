"""Building: one POST to the engine, its stream of messages, and a way out of both."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from builder.engine import context, door
from builder.engine.api import BuildRequest, OnProgress
from builder.engine.messages import error_of, messages
from builder.engine.refusals import DISK, outside, refused
from builder.engine.transcripts import BuildKitTranscript, PodmanTranscript, Transcript
from builder.errors import CellError, InterruptedByUserError, OutsideError, Problem

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

# BuildKit's step, and Podman's words, when a base image is not there and has to come from a registry.
BASE = re.compile(r"\[internal\] load metadata for |creating build container: .*(docker://|registry)")


# Podman's own words for it: what Docker calls "none" it takes for the default, which is the host's network.
PODMAN_NO_NETWORK = {
    "networkmode": "NetworkDisabled",
    "nsoptions": json.dumps([{"Name": "network", "Host": False}]),
}
# Docker 20.10 was seen to forget a context before it had unpacked it, once in some hundred builds.
LOST = re.compile(r"build-context-\S+ context not found")


class _ContextLostError(Exception):
    """The engine wants the context once more."""


def build(
    client: APIClient,
    request: BuildRequest,
    on_progress: OnProgress,
    cancel: threading.Event,
    *,
    podman: bool,
) -> str:
    """Build `request` and return the image id; no name is given to it. Raises as `Engine.build` says."""
    for _ in range(2):
        transcript: Transcript = PodmanTranscript() if podman else BuildKitTranscript()
        call = _Call(client, PODMAN_NO_NETWORK if podman and request.network == "none" else {})
        with (
            suppress(_ContextLostError),
            _interruptible(cancel, call.stop),
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
    return _post(client, request, {"outputs": json.dumps([{"Type": "cacheonly"}])}, threading.Event())


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


@contextmanager
def _interruptible(cancel: threading.Event, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` from another thread when `cancel` is set; whatever then fails was an interruption."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if cancel.wait(0.1):
                stop()
                return

    watcher = threading.Thread(target=watch, name="build-watch", daemon=True)
    watcher.start()
    try:
        yield
    except (CellError, OutsideError) as error:
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted") from error
        raise
    finally:
        over.set()
        watcher.join()
    if cancel.is_set():
        raise InterruptedByUserError.of("interrupted")


def _parameters(request: BuildRequest) -> dict[str, str]:
    given = {
        "version": "2",
        "dockerfile": "Dockerfile",
        "target": request.target or "",
        "networkmode": request.network,
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
    if "Temporary failure resolving" in words or "Could not resolve host" in words:
        return "the step needs a network that the build does not reach: check the engine's DNS and proxy"
    return None
