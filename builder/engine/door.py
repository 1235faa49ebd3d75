"""What docker-py does not offer as a public call: a streamed POST, and hanging up on one."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
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


def hang_up(client: APIClient, response: Response) -> None:
    """End a stream that another thread is reading: closing does not wake the reader, shutting down does."""
    door: Any = client
    channel = door._get_raw_response_socket(response)
    getattr(channel, "_sock", channel).shutdown(socket.SHUT_RDWR)
