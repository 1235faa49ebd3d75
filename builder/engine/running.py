"""Running one confined container to its end, whatever end that is."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from builder.engine import confinement, owner
from builder.engine.api import OnOutput, RunEnd, RunRequest
from builder.engine.attaching import Output
from builder.engine.container import Container
from builder.engine.refusals import NO_GPU, no_gpu, outside
from builder.errors import InterruptedByUserError

if TYPE_CHECKING:
    from docker import APIClient

NO_INIT = re.compile(r"docker-init|container-init|init binary|catatonit", re.IGNORECASE)
# The image's fault, not the engine's: it lacks the program or the user.
NOT_RUNNABLE = re.compile(
    r"executable file .*not found|exec format error|exec: \"|unable to find user|no matching entries in",
    re.IGNORECASE,
)
NOT_FOUND = 127  # as shells say that there is no such program


def run(
    client: APIClient, request: RunRequest, on_stdout: OnOutput, cancel: threading.Event, *, podman: bool
) -> RunEnd:
    """Run one container and remove it, also when anything goes wrong. Raises as `Engine.run` says.

    An image in which the command cannot be started gives exit code 127, with the engine's words as `stderr`.
    """
    import docker.errors  # noqa: PLC0415

    if cancel.is_set():
        raise InterruptedByUserError.of("interrupted")
    what = f"running {request.image}"
    output = Output(on_stdout, request.stdout_limit, keep=request.keep_stdout)
    with outside(what):
        try:
            return _run(client, request, output, cancel, podman=podman)
        except docker.errors.APIError as error:
            words = str(error.explanation)
            if request.gpus and NO_GPU.search(words):
                raise no_gpu(what, words) from error
            if not NOT_RUNNABLE.search(words):
                raise
            return _not_started(words)


def _run(
    client: APIClient, request: RunRequest, output: Output, cancel: threading.Event, *, podman: bool
) -> RunEnd:
    import docker.errors  # noqa: PLC0415

    devices = confinement.gpu_devices(client, podman=podman) if request.gpus else {}
    # An init process reaps orphans and lets a fatal signal be one, which the kernel keeps from process 1.
    # Some engines come without that binary, and tell only when a container is created or started.
    try:
        return Container(client, request, init=True, devices=devices).run(output, cancel)
    except docker.errors.APIError as error:
        if not NO_INIT.search(str(error.explanation)):
            raise
    return Container(client, request, init=False, devices=devices).run(output, cancel)


def _not_started(words: str) -> RunEnd:
    return RunEnd(
        exit_code=NOT_FOUND,
        out_of_memory=False,
        timed_out=False,
        stdout=b"",
        stderr=words.encode(),
        seconds=0.0,
    )


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
