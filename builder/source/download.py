"""A pin's bytes, brought to a file: from an address or from this machine, resumed, retried, bounded."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from builder.errors import EnvbuildError, OutsideError
from builder.source.access import Access
from builder.source.api import OnFetch, Pin
from builder.source.scrub import scrub, shown

if TYPE_CHECKING:
    import requests

ATTEMPTS = 6
PATIENCE = 60.0  # seconds, the longest pause before another attempt
BLOCK = 1 << 18
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
HINTS = {
    401: "give user and password in the index's address in pip's settings, or in ~/.netrc",
    403: "the credentials in pip's settings or ~/.netrc may not read this file",
    404: "the file is gone from there: `envbuild lock MATRIX --upgrade` pins what there is now",
}


class _TryAgainError(Exception):
    """A failure that may pass; `after` is the pause in seconds that the server asked for."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Brings files here. `pause` waits that many seconds between attempts."""

    access: Access
    pause: Callable[[float], None] = time.sleep

    def bring(self, pin: Pin, partial: Path, on_fetch: OnFetch) -> None:
        """Write the pin's bytes to `partial`, going on after what is there. The caller checks the hash.

        Retries what may pass (resets, timeouts, 408, 425, 429, 5xx) up to 6 times, never a refusal (401, 403,
        404). Raises `OutsideError`; the part that arrived stays.
        """
        if urlsplit(pin.url or "").scheme == "file":
            _bring_local(pin, partial, on_fetch)
            return
        if partial.exists() and partial.stat().st_nlink > 1:
            partial.unlink()  # a user's own file, linked by an interrupted attempt: never write into it
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._once(pin, partial, on_fetch)
                return
            except _TryAgainError as error:  # noqa: PERF203 - a network is slower
                if attempt == ATTEMPTS:
                    raise self._failed(pin, f"{error} ({ATTEMPTS} attempts)") from error
                after = 0.5 * 2 ** (attempt - 1) if error.after is None else error.after
                self.pause(min(after, PATIENCE))

    def _once(self, pin: Pin, partial: Path, on_fetch: OnFetch) -> None:
        """One request. A wrong part (server without ranges, changed file) is begun again."""
        import requests  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        have = partial.stat().st_size if partial.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with self.access.get(pin.url or "", headers) as response:
                self._receive(pin, partial, response, on_fetch)
        except (
            requests.exceptions.SSLError,
            requests.exceptions.ProxyError,
            requests.exceptions.InvalidSchema,
        ) as error:
            raise self._failed(pin, str(error)) from error
        except (requests.ConnectionError, requests.Timeout, HTTPError, ConnectionError) as error:
            raise _TryAgainError(_reason(error)) from error
        except requests.RequestException as error:
            raise self._failed(pin, str(error)) from error

    def _receive(self, pin: Pin, partial: Path, response: requests.Response, on_fetch: OnFetch) -> None:
        status = response.status_code
        if status == 416:  # the part is as long as the file, or longer: whole, or to be begun again
            if pin.size is None or partial.stat().st_size != pin.size:
                partial.unlink()
                raise _TryAgainError("the server refused to go on", after=0.0)
            return
        if status in TRANSIENT:
            raise _TryAgainError(f"the server answered {status}", _retry_after(response))
        if status not in (200, 206):
            raise self._failed(pin, f"the server answered {status} {response.reason}", HINTS.get(status))
        start = _start(response) if status == 206 else 0
        with partial.open("ab") as file:
            if start > file.tell():
                raise _TryAgainError("the server left a gap", after=0.0)
            file.truncate(start)
            self._copy(pin, response, file, on_fetch)

    def _copy(self, pin: Pin, response: requests.Response, file: BinaryIO, on_fetch: OnFetch) -> None:
        at = file.seek(0, os.SEEK_END)
        length = response.headers.get("Content-Length", "")
        total = pin.size or (at + int(length) if length.isdigit() else None)
        for block in response.raw.stream(BLOCK, decode_content=False):
            at += len(block)
            if pin.size is not None and at > pin.size:
                raise self._failed(pin, f"it is longer than the {pin.size} bytes that the index gave")
            file.write(block)
            on_fetch(pin.filename, at, total)

    def _failed(self, pin: Pin, reason: str, hint: str | None = None) -> EnvbuildError:
        message = scrub(
            f"{pin.filename} did not arrive from {shown(pin.url or '')}: {reason}",
            self.access.settings.secrets,
        )
        default = "check the network, proxy and certificate that pip uses here (pip config list)"
        return OutsideError.of(message, hint=hint or default)


def _bring_local(pin: Pin, partial: Path, on_fetch: OnFetch) -> None:
    """A copy of a file of this machine. Not a hard link: that changes the file's ctime, by which uv knows
    local wheels, and uv would keep one more unpacked torch in its cache for each store.
    """
    parts = urlsplit(pin.url or "")
    path = Path(url2pathname(parts.path)).resolve()
    if parts.netloc not in ("", "localhost") or not path.is_file() or not os.access(path, os.R_OK):
        raise OutsideError.of(f"{path} cannot be read", hint="check pip's find-links and file:// indexes")
    partial.unlink(missing_ok=True)
    shutil.copyfile(path, partial)
    size = partial.stat().st_size
    on_fetch(pin.filename, size, size)


def _start(response: requests.Response) -> int:
    """Where a 206's bytes begin."""
    value = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if not value.isdigit():
        raise _TryAgainError("the server sent a part without its place")
    return int(value)


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _reason(error: Exception) -> str:
    """The innermost words of a network failure: requests wraps them several times."""
    while isinstance(error.__context__ or error.__cause__, OSError):
        error = error.__context__ or error.__cause__  # type: ignore[assignment]
    return str(error)
