"""The engine's streams of JSON lines → messages, with everything that can be wrong with a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from builder.errors import OutsideError

if TYPE_CHECKING:
    from requests import Response


def messages(response: Response, what: str) -> Iterator[dict[str, Any]]:
    """Each message as soon as it is there. Raises `OutsideError` when a line is no JSON object."""
    torn = b""
    for piece in response.iter_content(chunk_size=64 * 1024):
        *whole, torn = (torn + piece).split(b"\n")
        for line in whole:
            yield from _message(line, what)
    yield from _message(torn, what)


def _message(line: bytes, what: str) -> Iterator[dict[str, Any]]:
    if not line.strip():
        return
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        shown = line[:80].decode(errors="replace")
        raise OutsideError.of(
            f"{what} failed: the engine's answer cannot be read ({shown!r})",
            hint="check that the address belongs to a container engine",
        )
    yield message


def error_of(message: dict[str, Any]) -> str | None:
    """The error that a message carries: engines answer 200 and tell failures only here."""
    detail = message.get("errorDetail")
    if isinstance(detail, dict) and detail.get("message"):
        return str(detail["message"])
    return str(message["error"]) if message.get("error") else None
