"""Running one confined container to its end, whatever end that is."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from builder.engine import containers, owner
from builder.engine.api import OnOutput, RunEnd, RunRequest
from builder.engine.attaching import Exchange, Output
from builder.engine.refusals import NO_GPU, no_gpu, outside, root_cause
from builder.errors import InterruptedByUserError, OutsideError

if TYPE_CHECKING:
    from docker import APIClient

NO_INIT = re.compile(r"docker-init|container-init|init binary|catatonit", re.IGNORECASE)
LAST_WORDS = 5.0  # seconds for what is under way in the stream after a container was killed


def run(
    client: APIClient, request: RunRequest, on_stdout: OnOutput, cancel: threading.Event, *, podman: bool
) -> RunEnd:
    """Run one container and remove it, also when anything goes wrong. Raises as `Engine.run` says."""
    what = f"running {request.image}"
    with outside(what):
        devices = containers.gpu_devices(client, podman=podman) if request.gpus else {}
        try:
            return _run(client, request, on_stdout, cancel, devices)
        except OutsideError:
            raise
        except Exception as error:
            words = str(getattr(error, "explanation", None) or root_cause(error))
            if request.gpus and NO_GPU.search(words):
                raise no_gpu(what, words) from error
            raise


def _run(
    client: APIClient,
    request: RunRequest,
    on_stdout: OnOutput,
    cancel: threading.Event,
    devices: dict[str, Any],
) -> RunEnd:
    import docker.errors  # noqa: PLC0415

    # An init process reaps orphans and lets a fatal signal be one, which the kernel keeps from process 1.
    # Some engines come without that binary, and tell only when a container is created or started.
    output = Output(on_stdout, request.stdout_limit)
    try:
        return _Container(client, request, init=True, devices=devices).run(output, cancel)
    except docker.errors.APIError as error:
        if not NO_INIT.search(str(error.explanation)):
            raise
    return _Container(client, request, init=False, devices=devices).run(output, cancel)


class _Container:
    """One container from its creation to its removal."""

    def __init__(
        self, client: APIClient, request: RunRequest, *, init: bool, devices: dict[str, Any]
    ) -> None:
        self._client: Any = client
        self._request = request
        body = containers.configuration(request, init=init, devices=devices)
        self._id = str(self._client.create_container_from_config(body)["Id"])

    def run(self, output: Output, cancel: threading.Event) -> RunEnd:
        """Start it, talk to it, see it end. It is gone afterwards."""
        try:
            return self._run(output, cancel)
        finally:
            self._remove()

    def _run(self, output: Output, cancel: threading.Event) -> RunEnd:
        # Attached before it starts: nothing of its output is lost, and no log is needed.
        channel: Any = self._client.attach_socket(
            self._id, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        try:
            exchange = Exchange(getattr(channel, "_sock", channel), self._request.stdin, output)
            began = time.monotonic()
            deadline = began + self._request.timeout
            self._client.start(self._id)
            ending: str = exchange.run(deadline, cancel)
            if ending == "ended":
                ending = self._wait(deadline, cancel)
            if ending != "ended":
                self._kill()
                exchange.run(time.monotonic() + LAST_WORDS, threading.Event())
                self._wait(time.monotonic() + LAST_WORDS, threading.Event())
        finally:
            channel.close()
        if ending == "cancelled":
            raise InterruptedByUserError.of("interrupted")
        state = self._state()
        return RunEnd(
            exit_code=int(state.get("ExitCode") or 0)
            if ending == "ended"
            else int(state.get("ExitCode") or 137),
            out_of_memory=bool(state.get("OOMKilled")),
            timed_out=ending == "late",
            flooded=ending == "flooded",
            stdout=bytes(output.stdout),
            stderr=bytes(output.stderr),
            seconds=time.monotonic() - began,
        )

    def _wait(self, deadline: float, cancel: threading.Event) -> str:
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


def sweep(client: APIClient) -> int:
    """Remove containers whose envbuild process of this machine is over; how many there were."""
    import docker.errors  # noqa: PLC0415

    with outside("looking for containers left behind"):
        left = [
            container["Id"]
            for container in client.containers(all=True, filters={"label": owner.LABEL})
            if owner.is_gone(
                container["Labels"].get(owner.LABEL, ""), running=container.get("State") == "running"
            )
        ]
        for ident in left:
            with suppress(docker.errors.NotFound):
                client.remove_container(ident, v=True, force=True)
    return len(left)
