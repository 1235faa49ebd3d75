"""One request over HTTP or TLS, and its answer; the only door to requests.

Nothing happens here by itself: no redirect, no second attempt, no cookie, no netrc.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from builder import __version__
from builder.errors import InputError, OutsideError
from builder.registry.addresses import is_loopback, is_passed_by
from builder.registry.retrying import PassingError, RefusedError

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

BLOCK = 1 << 18
SMALL = 1 << 16  # bytes of an answer that is read only to keep its connection
CERTIFICATES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
TRUST = "give the registry's certificate authority with --ca, or as /etc/docker/certs.d/HOST/ca.crt"
PLAIN = "if it speaks plain HTTP, say so: --plain-http"
NAME = "check its spelling, and this machine's DNS"
PROXY = "check the proxy in HTTPS_PROXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What is waited for, in seconds. `settle` is for the answer to a PUT: a registry may have to put an
    upload's pieces together, and to hash them. In a `window`, at least `floor` bytes of an answer must come.
    """

    connect: float = 20.0  # also for each 16 KiB of a body to go out
    read: float = 60.0
    settle: float = 300.0
    window: float = 60.0
    floor: int = 1 << 16


class Window:
    """A part of a seekable stream as the body of a request. `on_read` is told each piece's end and length."""

    def __init__(self, file: BinaryIO, start: int, size: int, on_read: Callable[[int, int], None]) -> None:
        self._file, self._start, self._size, self._on_read = file, start, size, on_read
        self.rewind()

    def rewind(self) -> None:
        """Begin again, for another attempt."""
        self._at = 0
        self._file.seek(self._start)

    def read(self, count: int = -1) -> bytes:
        """The next bytes. Raises `OutsideError` where the stream ends too early."""
        left = self._size - self._at
        block = self._file.read(left if count < 0 else min(count, left))
        if left and not block:
            raise OutsideError.of("a file became shorter while it was sent", hint="run the command again")
        self._at += len(block)
        self._on_read(self._start + self._at, len(block))
        return block

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(BLOCK), b"")


Body = bytes | Window


class Reply:
    """An answer. `headers` know no case; the body is read on demand. Use it as a context."""

    def __init__(self, response: requests.Response, times: Times, go_on: Callable[[], None]) -> None:
        self.status, self.headers = response.status_code, response.headers
        self.reason, self.url = response.reason or "", str(response.url)
        self._response, self._times, self._go_on = response, times, go_on

    def __enter__(self) -> Reply:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            with suppress(PassingError, RefusedError):
                self.read(SMALL)  # a connection is used again after the answer's end alone
        self._response.close()

    def stream(self) -> Iterator[bytes]:
        """The body in pieces, as they come. Raises `PassingError` where it breaks off or merely drips."""
        raw, times = self._response.raw, self._times
        read = getattr(raw, "read1", raw.read)  # as much as there is, in urllib3 2.1 and later
        since, came = time.monotonic(), 0
        with _plainly(self.url):
            while block := read(BLOCK, decode_content=False):
                self._go_on()
                yield block
                came += len(block)
                if time.monotonic() - since > times.window:
                    if came < times.floor:
                        raise PassingError(f"only {came} bytes came in {times.window:.0f} seconds")
                    since, came = time.monotonic(), 0

    def read(self, limit: int) -> bytes:
        """The body. Raises `RefusedError` where it is longer than `limit` bytes."""
        body = bytearray()
        for block in self.stream():
            body += block
            if len(body) > limit:
                raise RefusedError(f"the answer is longer than {limit} bytes")
        return bytes(body)


class Wire:
    """Sends requests. `ca` is a file of certificates that are trusted beside this machine's own."""

    def __init__(self, ca: Path | None, environ: Mapping[str, str], go_on: Callable[[], None]) -> None:
        self.times = Times()
        self._ca, self._environ, self._go_on = ca, environ, go_on
        self._adapters: dict[str, HTTPAdapter] = {}
        if ca:
            _trust(_own_trust(), ca)  # a file that holds none is told at once

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: Body = b"") -> Reply:
        """One request. Raises `PassingError` or `RefusedError` where no answer came."""
        import requests  # noqa: PLC0415

        self._go_on()
        own = {"User-Agent": f"envbuild/{__version__}", "Accept-Encoding": "identity"}
        times = self.times
        with _plainly(url):
            request = requests.Request(method, url, headers={**own, **headers}, data=body).prepare()
            response = self._adapter(url).send(
                request,
                stream=True,
                timeout=(times.connect, times.settle if method == "PUT" else times.read),
                proxies=self._proxies(url),
            )
        return Reply(response, times, self._go_on)

    def speaks_tls(self, host: str) -> bool:
        """Whether TLS answers there, with whatever certificate. For this machine's own ports."""
        parts = urlsplit(f"//{host}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is said to it
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 443), 5.0) as plain:
                context.wrap_socket(plain, server_hostname=parts.hostname).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of connections."""
        for adapter in tuple(self._adapters.values()):
            adapter.close()

    def _adapter(self, url: str) -> HTTPAdapter:
        """The connections to a host, which trust what this machine trusts it with."""
        scheme, _, host = url.split("/")[:3]
        known = self._adapters.get(scheme + host)
        context = self._context(host) if not known and scheme == "https:" else None
        return known or self._adapters.setdefault(scheme + host, _adapter(context))

    def _context(self, netloc: str) -> ssl.SSLContext:
        context = _own_trust()
        bundle = self._environ.get("REQUESTS_CA_BUNDLE")
        for path in (self._ca, Path(bundle) if bundle else None):
            if path:
                _trust(context, path)
        for folder in CERTIFICATES:
            with suppress(OSError, ssl.SSLError):
                for path in sorted((folder / netloc).glob("*.crt")):
                    context.load_verify_locations(path)
        return context

    def _proxies(self, url: str) -> dict[str, str]:
        parts, environ = urlsplit(url), self._environ
        host = parts.hostname or ""
        if is_loopback(host) or is_passed_by(host, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
            return {}
        names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
        proxy = next((environ[name] for name in names if environ.get(name)), None)
        return {parts.scheme: proxy} if proxy else {}


def _own_trust() -> ssl.SSLContext:
    """What this machine trusts; a machine without certificates trusts those that come with requests."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415

    context, paths = ssl.create_default_context(), ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": os.fspath(path)})
    except FileNotFoundError:
        raise InputError.of(
            f"{path} does not exist", hint="--ca takes a file or folder of certificates"
        ) from None
    except (OSError, ssl.SSLError):
        raise InputError.of(f"{path} holds no certificates", hint="give a file in PEM form") from None


def _adapter(context: ssl.SSLContext | None) -> HTTPAdapter:
    """requests' own, but for what is trusted."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    class Adapter(HTTPAdapter):
        init_poolmanager = partialmethod(HTTPAdapter.init_poolmanager, ssl_context=context)
        proxy_manager_for = partialmethod(HTTPAdapter.proxy_manager_for, ssl_context=context)

        def cert_verify(self, conn: Any, *_: object) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # by the context, to which no certificates are added

    return Adapter()


@contextmanager
def _plainly(url: str) -> Iterator[None]:
    """Turn every way in which requests and urllib3 report a failure into ours."""
    import requests  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _told(urlsplit(url).netloc, error) from None  # its own words may show an address or a header


def _told(host: str, error: Exception) -> PassingError | RefusedError:
    chain = tuple(_causes(error))
    words = str(getattr(chain[-1], "strerror", None) or chain[-1]) or type(chain[-1]).__name__

    def met(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    cases = (
        (isinstance(error, ValueError), "an address is malformed, of the registry or of a proxy", None),
        (met(ssl.SSLCertVerificationError), f"the certificate of {host} is not trusted: {words}", TRUST),
        (met(ssl.SSLError) and "EOF" not in words, f"the secure connection to {host} failed: {words}", PLAIN),
        (met(socket.gaierror) and "emporary" not in words, f"the name of {host} is unknown", NAME),
        (
            words.startswith("Tunnel connection failed: 4"),
            f"the proxy does not lead to {host}: {words}",
            PROXY,
        ),
    )
    for is_so, said, hint in cases:
        if is_so:
            return RefusedError(said, hint)
    late = met(TimeoutError) or "timed out" in words
    return PassingError(
        f"no answer came from {host} in time" if late else f"the connection to {host} broke: {words}"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, from the outside in."""
    deeper: BaseException | None = error
    while deeper is not None:
        yield deeper
        nested = (getattr(deeper, "reason", None), *deeper.args, deeper.__cause__)
        deeper = next((each for each in nested if isinstance(each, BaseException)), None)
