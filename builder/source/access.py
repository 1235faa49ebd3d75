"""requests, with this machine's certificates, proxies and credentials: the only door to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.source.settings import Settings

if TYPE_CHECKING:
    import requests

CONNECT = 10.0  # seconds; reading uses the settings' timeout
READ = 60.0
PROBE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to ask a server for something."""

    settings: Settings

    @contextmanager
    def get(
        self, url: str, headers: dict[str, str], session: requests.Session | None = None
    ) -> Iterator[requests.Response]:
        """One GET, body not read yet. Raises what requests raises. A `session` keeps its connections.

        Credentials of an index go with requests to that index's host only (requests drops them when a
        redirect leaves it), and a netrc file serves the rest.
        """
        import requests  # noqa: PLC0415

        read = self.settings.timeout or READ
        kept = nullcontext(session) if session else requests.Session()
        with kept as one, self._ask(one, url, headers, (CONNECT, read)) as response:
            yield response

    def status(self, url: str) -> int | None:
        """What the server says to a short GET of `url`; None where nobody answers."""
        import requests  # noqa: PLC0415

        try:
            with requests.Session() as session, self._ask(session, url, {}, (PROBE, PROBE)) as response:
                return response.status_code
        except (requests.RequestException, OSError):
            return None

    def _ask(
        self, session: requests.Session, url: str, headers: dict[str, str], timeout: tuple[float, float]
    ) -> requests.Response:
        import urllib3  # noqa: PLC0415

        settings = self.settings
        if settings.trusts(url):
            urllib3.disable_warnings(
                urllib3.exceptions.InsecureRequestWarning
            )  # the user decided that, in pip's settings
        return session.get(
            url,
            headers=headers,
            auth=settings.credentials(url),
            cert=settings.client_cert,
            verify=False if settings.trusts(url) else settings.cert or True,
            proxies=self._proxies(url),
            timeout=timeout,
            stream=True,
        )

    def _proxies(self, url: str) -> dict[str, str]:
        """pip's proxy, unless `no_proxy` names the host; without one the usual variables apply."""
        from requests.utils import should_bypass_proxies  # noqa: PLC0415

        proxy = self.settings.proxy
        if not proxy or should_bypass_proxies(url, no_proxy=None):
            return {}
        return {"http": proxy, "https": proxy}
