"""A proxy before a real registry that does to single requests what networks, balancers and attackers do.

It speaks plain HTTP on 127.0.0.1 and passes the `Host` on, so that the registry's addresses lead through it.
"""

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BLOCK = 1 << 16
FOREVER = 1_000_000


@dataclass(kw_only=True)
class Reply:
    """What the registry answered, or what is answered in its place."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass(kw_only=True)
class Seen:
    """A request as it came: `sent` bytes of its body arrived at the registry; the client got `status`, or
    nothing (None).
    """

    method: str
    path: str
    sent: int = 0
    status: int | None = None


class Turn:
    """One request, for a fault to do with as it likes."""

    def __init__(self, handler: "Handler", seen: Seen) -> None:
        self._handler, self.seen = handler, seen
        self.proxy: Proxy = handler.server.proxy
        self.headers = handler.headers

    def ask(self, most: int | None = None) -> Reply:
        """Pass the request on; with `most`, so many bytes of its body, and then the connection ends."""
        host, _, port = self.proxy.upstream.partition(":")
        length = int(self.headers.get("Content-Length") or 0)
        registry = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            registry.putrequest(
                self.seen.method, self._handler.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in ("authorization", "connection"):
                    registry.putheader(name, value)
            registry.endheaders()
            chunked = self.headers.get("Transfer-Encoding") == "chunked"  # as Podman sends its blobs
            for block in self._chunks() if chunked else self._blocks(length if most is None else most):
                registry.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
                self.seen.sent += len(block)
            if chunked:
                registry.send(b"0\r\n\r\n")
            if most is not None:
                raise ConnectionAbortedError
            found = registry.getresponse()
            headers = {name: value for name, value in found.getheaders() if name != "Transfer-Encoding"}
            return Reply(status=found.status, headers=headers, body=found.read())
        finally:
            registry.close()

    def say(self, reply: Reply, *, pieces: int = 0) -> None:
        """Answer; the body in so many pieces, a moment apart, where `pieces` is given."""
        handler = self._handler
        self.seen.status = reply.status
        handler.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        body = b"" if self.seen.method == "HEAD" else reply.body
        size = len(body) // pieces + 1 if pieces else len(body) or 1
        if self.seen.method != "HEAD" and reply.headers.get("Content-Length", str(len(body))) != str(
            len(body)
        ):
            self.hang_up()
        with suppress(ConnectionError):
            for start in range(0, len(body), size):
                handler.wfile.write(body[start : start + size])
                if pieces and self.proxy.over.wait(0.05):
                    return

    def hang_up(self) -> None:
        """End the connection without another word."""
        self._handler.close_connection = True

    def swallow(self) -> None:
        """Take the body and pass it on to nobody."""
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        for _ in self._chunks() if chunked else self._blocks(int(self.headers.get("Content-Length") or 0)):
            pass

    def _blocks(self, most: int) -> Iterator[bytes]:
        """The body in blocks, of which so many bytes at most."""
        left = min(most, int(self.headers.get("Content-Length") or 0))
        while left and (block := self._handler.rfile.read(min(BLOCK, left))):
            yield block
            left -= len(block)

    def _chunks(self) -> Iterator[bytes]:
        """A chunked body's chunks, to its end."""
        while size := int(self._handler.rfile.readline(), 16):
            yield self._handler.rfile.read(size)
            self._handler.rfile.readline()
        self._handler.rfile.readline()


@dataclass
class Fault:
    """`do` has the requests whose method and path these patterns match: the first `skip` of them pass, the
    next `times` are its. `met` counts them.
    """

    method: str
    path: str
    do: Callable[[Turn], None]
    times: int = 1
    skip: int = 0
    met: int = 0

    def takes(self, seen: Seen) -> bool:
        asked = re.fullmatch(self.method, seen.method) and re.search(self.path, seen.path)
        if not asked or self.times <= 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        self.met += 1
        return True


@dataclass
class Proxy:
    """`faults` are looked through in their order; what none of them takes passes. `seen` is everything that
    was asked. With `tokens`, a token is wanted, each good for so many requests.
    """

    upstream: str
    address: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    tokens: int = 0
    issued: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, method: str, path: str = "") -> list[Seen]:
        return [each for each in self.seen if each.method == method and re.search(path, each.path)]

    def begin(self, seen: Seen) -> Fault | None:
        with self.guard:
            self.seen.append(seen)
            return next((fault for fault in self.faults if fault.takes(seen)), None)

    def lets(self, given: str) -> bool:
        """Whether that `Authorization` opens the registry, one request more."""
        with self.guard:
            if not self.tokens:
                return True
            left = self.issued.get(given.removeprefix("Bearer "), 0)
            self.issued[given.removeprefix("Bearer ")] = left - 1
            return left > 0

    def token(self) -> Reply:
        with self.guard:
            name = f"token-{len(self.issued)}"
            self.issued[name] = self.tokens
        return Reply(status=200, headers={}, body=json.dumps({"token": name}).encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def do_GET(self):
        proxy: Proxy = self.server.proxy
        seen = Seen(method=self.command, path=urlsplit(self.path).path)
        turn = Turn(self, seen)
        fault = proxy.begin(seen)
        try:
            if seen.path == "/token":
                turn.say(proxy.token())
            elif fault:
                fault.do(turn)
            elif not proxy.lets(self.headers.get("Authorization", "")):
                turn.swallow()
                challenge = f'Bearer realm="http://{proxy.address}/token",service="test"'
                turn.say(Reply(status=401, headers={"WWW-Authenticate": challenge}))
            else:
                turn.say(turn.ask())
        except OSError:
            turn.hang_up()

    do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server's names

    def log_message(self, *_):
        pass


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the tests


@contextmanager
def before(upstream: str) -> Iterator[Proxy]:
    """A proxy before the registry at `upstream` (host:port), until the end of the block."""
    with Listener(("127.0.0.1", 0), Handler) as listener:
        listener.proxy = Proxy(upstream, address=f"127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield listener.proxy
        finally:
            listener.proxy.over.set()
            listener.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Callable[[Turn], None]:
    """An answer that never saw the registry. Header names are written with `_`."""

    def do(turn: Turn) -> None:
        turn.swallow()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps({"errors": [{"code": "FAULT", "message": "the proxy says so"}]}).encode()
        turn.say(Reply(status=code, headers=named, body=body))

    return do


def cut(after: int) -> Callable[[Turn], None]:
    """So many bytes of the body reach the registry, then both connections end."""
    return lambda turn: turn.say(turn.ask(after))


def lost(turn: Turn) -> None:
    """The registry does its work, and nobody hears of it."""
    turn.ask()
    turn.hang_up()


def altered(change: Callable[[Reply], None], *, pieces: int = 0) -> Callable[[Turn], None]:
    """The registry's answer, changed on its way; in so many pieces, a moment apart, where that is given."""

    def do(turn: Turn) -> None:
        reply = turn.ask()
        change(reply)
        turn.say(reply, pieces=pieces)

    return do
