"""What docker-py does not offer as a public call: a streamed POST, and hanging up on one."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

TAR = {"Content-Type": "application/x-tar"}
Body = Iterator[bytes] | IO[bytes] | None


def post(
    client: APIClient, path: str, params: Mapping[str, Any], body: Body, headers: Mapping[str, str]
) -> Response:
    """The answer as a stream that is still to be read (and closed). Raises docker-py's errors.

    There is no time limit, for a build step or a download may be silent for long.
    """
    door: Any = client
    response: Response = door.post(
        door._url(path), params=dict(params), data=body, headers=dict(headers), stream=True, timeout=None
    )
    door._raise_for_status(response)
    return response


def announced(client: APIClient, header: str) -> str:
    """What the engine says of itself in a header of its shortest answer; empty where it does not."""
    door: Any = client
    with door.get(door._url("/_ping")) as response:
        return str(response.headers.get(header, ""))


def hang_up(client: APIClient, response: Response) -> None:
    """End a stream that another thread is reading."""
    door: Any = client
    cut(socket_of(door._get_raw_response_socket(response)))


@contextmanager
def attached(client: APIClient, container: str) -> Iterator[socket.socket]:
    """A socket to the container's streams."""
    door: Any = client
    # Kept until the end: when docker-py's object goes, it takes the socket with it.
    channel = door.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    try:
        yield socket_of(channel)
    finally:
        cut(socket_of(channel))
        channel.close()


def cut(channel: socket.socket) -> None:
    """End a connection. Closing alone would not: others hold the socket, and a reader would not wake up."""
    with suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)
    channel.close()


def socket_of(channel: Any) -> socket.socket:
    """The socket below what docker-py returns: a file around it, or over TLS the socket itself."""
    below: socket.socket = getattr(channel, "_sock", channel)
    return below
