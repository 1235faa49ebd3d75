"""One container from its creation to its removal."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from builder.engine import confinement, door
from builder.engine.api import RunEnd, RunRequest
from builder.engine.attaching import Ending, Exchange, Output
from builder.errors import InterruptedByUserError

KILLED = 137  # 128 + SIGKILL, as shells count


class Container:
    """Made by the constructor, gone after `run`. Raises docker-py's errors and `InterruptedByUserError`."""

    def __init__(self, client: Any, request: RunRequest, *, init: bool, devices: dict[str, Any]) -> None:
        self._client = client
        self._request = request
        body = confinement.configuration(request, init=init, devices=devices)
        self._id = str(client.create_container_from_config(body)["Id"])

    def run(self, output: Output, cancel: threading.Event) -> RunEnd:
        """Start it, talk to it, see it end."""
        try:
            return self._run(output, cancel)
        finally:
            self._remove()

    def _run(self, output: Output, cancel: threading.Event) -> RunEnd:
        began = time.monotonic()
        deadline = began + self._request.timeout
        ending = self._talk(output, deadline, cancel)
        if ending == "ended":
            ending = self._wait(deadline, cancel)
        if ending != "ended":
            self._kill()
        if ending == "cancelled":
            raise InterruptedByUserError.of("interrupted")
        state = self._state()
        return RunEnd(
            exit_code=int(state.get("ExitCode") or 0) if ending == "ended" else KILLED,
            out_of_memory=bool(state.get("OOMKilled")),
            timed_out=ending == "late",
            flooded=ending == "flooded",
            stdout=bytes(output.stdout),
            stderr=bytes(output.stderr),
            seconds=time.monotonic() - began,
        )

    def _talk(self, output: Output, deadline: float, cancel: threading.Event) -> Ending:
        # Attached before it starts: nothing of its output is lost, and no log is needed. And no longer when
        # anything else is asked: Docker 20.10 answers nothing about a container, not even to kill it, while
        # an attached stream is full and nobody reads.
        with _opened(self._request.stdin) as stdin, door.attached(self._client, self._id) as channel:
            self._client.start(self._id)
            return Exchange(channel, stdin, output).run(deadline, cancel)

    def _wait(self, deadline: float, cancel: threading.Event) -> Ending:
        """A process that closed its output may run on, so its end has to be asked for."""
        pause = 0.01
        while self._state().get("Running"):
            if time.monotonic() >= deadline:
                return "late"
            if cancel.wait(pause):
                return "cancelled"
            pause = min(pause * 2, 0.25)
        return "ended"

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._client.inspect_container(self._id)["State"]
        return state

    def _kill(self) -> None:
        import docker.errors  # noqa: PLC0415

        with suppress(docker.errors.APIError):  # it may have ended by itself just now
            self._client.kill(self._id)

    def _remove(self) -> None:
        import docker.errors  # noqa: PLC0415

        with suppress(docker.errors.NotFound):
            self._client.remove_container(self._id, v=True, force=True)


def _opened(stdin: bytes | Path) -> IO[bytes]:
    return stdin.open("rb") if isinstance(stdin, Path) else BytesIO(stdin)
