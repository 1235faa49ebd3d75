"""A forward proxy on 127.0.0.1 that wants a password, for tests of what becomes of it."""

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

LONGEST = 64 * 1024  # bytes of a request's head
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def proxy(basic: str) -> Iterator[tuple[int, set[str]]]:
    """Its port, and the hosts that were asked for; `basic` is what its `Basic` authorization must be."""
    asked: set[str] = set()

    class Turn(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                _serve(self.request, basic, asked)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Turn) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


def _serve(client: socket.socket, basic: str, asked: set[str]) -> None:
    """One request of one connection, then bytes both ways until either side ends."""
    head, rest = _head(client)
    lines = head.decode("latin-1").split("\r\n")
    method, address, version = lines[0].split(" ")
    if f"proxy-authorization: basic {basic}".lower() not in (line.lower() for line in lines):
        client.sendall(REFUSED)
        return
    tunnel = method == "CONNECT"
    parts = urlsplit(f"//{address}" if tunnel else address)
    asked.add(parts.hostname or "")
    with socket.create_connection((parts.hostname, parts.port or 80)) as upstream:
        if tunnel:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [line for line in lines[1:] if not re.match(r"(?i)(proxy-|connection:)", line)]
            head = "\r\n".join((f"{method} {path} {version}", *kept, "Connection: close", "", ""))
            upstream.sendall(head.encode("latin-1"))
        upstream.sendall(rest)
        back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
        back.start()
        _pump(client, upstream)
        back.join()


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came with it."""
    received = b""
    while b"\r\n\r\n" not in received and len(received) < LONGEST:
        piece = client.recv(LONGEST)
        if not piece:
            raise ConnectionError
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(LONGEST):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
