"""Small things read over HTTP, whole or in part: bounded, and tried again where a failure may pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.errors import EnvbuildError, OutsideError
from builder.source.access import Access
from builder.source.download import TRANSIENT
from builder.source.scrub import scrub, shown

if TYPE_CHECKING:
    import requests

ATTEMPTS = 4
MOST = 64 * 1024**2  # bytes of an answer; torch's page has half a megabyte
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said: the body of a 200 or 206, empty for any other status."""

    status: int
    kind: str  # Content-Type
    content: bytes
    size: int | None  # of the whole file, where a part was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Asks with this machine's access. `pause` waits that many seconds between attempts."""

    access: Access
    pause: Callable[[float], None] = time.sleep
    kept: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def _session(self) -> requests.Session:
        """This thread's session: to open a connection takes longer than most questions."""
        import requests  # noqa: PLC0415

        if not hasattr(self.kept, "session"):
            self.kept.session = requests.Session()
        session: requests.Session = self.kept.session
        return session

    def read(self, url: str, headers: dict[str, str]) -> Answer:
        """The answer to a GET. Raises `OutsideError` where nobody answers, also after some attempts."""
        import requests  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        for attempt in range(ATTEMPTS):
            try:
                with self.access.get(url, headers, self._session()) as response:
                    if response.status_code not in TRANSIENT:
                        return self._received(url, response)
                    reason = f"the server answered {response.status_code}"
            except (requests.exceptions.SSLError, requests.exceptions.InvalidSchema) as error:
                raise self.failed(url, str(error)) from error
            except (requests.RequestException, HTTPError, OSError) as error:
                if "NameResolution" in str(error):
                    raise self.failed(url, "its name cannot be resolved") from error
                reason = str(error)
            if attempt < ATTEMPTS - 1:
                self.pause(0.5 * 2**attempt)
        raise self.failed(url, reason)

    def part(self, url: str, span: str) -> Answer:
        """Bytes of a file (`0-99`, or `-100` for the last hundred).

        Raises `OutsideError` where the server gives no parts: a wheel is never read whole.
        """
        answer = self.read(url, {"Range": f"bytes={span}", "Accept-Encoding": "identity"})
        if answer.status != 206 or answer.size is None:
            raise self.failed(url, f"no part of it was given (status {answer.status})")
        return answer

    def failed(self, url: str, reason: str) -> EnvbuildError:
        """The error for a page that could not be read."""
        message = scrub(f"{shown(url)} could not be read: {reason}", self.access.settings.secrets)
        return OutsideError.of(
            message, hint="check the network, proxy and certificate that pip uses here (pip config list)"
        )

    def _received(self, url: str, response: requests.Response) -> Answer:
        whole = "Range" not in response.request.headers
        held = bytearray()
        if response.status_code == (200 if whole else 206):
            for block in response.iter_content(BLOCK):
                held += block
                if len(held) > MOST:
                    raise self.failed(url, f"it is longer than {MOST} bytes")
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        return Answer(
            status=response.status_code,
            kind=response.headers.get("Content-Type", ""),
            content=bytes(held),
            size=int(total) if total.isdigit() else None,
        )
