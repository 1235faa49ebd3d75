"""A daemon that says what a test scripts: HTTP on a Unix socket, an answer per path."""

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

VERSION = {"ApiVersion": "1.41", "Version": "20.10.24", "Components": [{"Name": "Engine"}]}


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """A response: pieces of a chunked stream. `cut` ends the connection in the middle; `hold` waits first."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    cut: bool = False
    hold: threading.Event | None = None


def lines(*messages: object) -> Answer:
    """A stream of JSON lines, as engines answer."""
    return Answer(pieces=tuple(json.dumps(message).encode() + b"\r\n" for message in messages))


def refusal(status: int, words: str) -> Answer:
    return Answer(pieces=(json.dumps({"message": words}).encode(),), status=status)


@dataclass
class Daemon:
    """`answers`: a path without its version → an answer, or one for each request; the rest is not found."""

    address: str
    answers: dict[str, Answer | list[Answer] | Callable[[Request], Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        found = self.answers.get(request.path, refusal(404, "page not found"))
        if callable(found):
            return found(request)
        return found.pop(0) if isinstance(found, list) else found

    def to(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        path = re.sub(r"^/v\d+\.\d+", "", parts.path)
        headers = dict(self.headers.items())
        asked = Request(self.command, path, parse_qs(parts.query), headers, self.body())
        self.say(self.server.daemon_says.answer(asked))

    do_POST = do_GET  # noqa: N815  # http.server's names
    do_DELETE = do_GET  # noqa: N815

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.flush()
        if answer.hold:
            answer.hold.wait(60)
        if answer.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *words):
        pass

    def address_string(self):
        return "test"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


@contextmanager
def serve(folder: Path) -> Iterator[Daemon]:
    """A daemon that knows who it is and has Docker's bridge; the test adds the rest."""
    path = folder / "d.sock"
    with Server(str(path), Handler) as server:
        server.daemon_says = Daemon(address=f"unix://{path}")
        server.daemon_says.answers.update(
            {"/version": lines(VERSION), "/info": lines({}), "/networks": lines([{"Name": "bridge"}])}
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.daemon_says
        server.shutdown()
        thread.join()
