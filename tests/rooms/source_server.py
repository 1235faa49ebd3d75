"""A package index on 127.0.0.1 that can be as unfriendly as the real ones, and tiny wheels to put on it."""

import base64
import hashlib
import http.server
import io
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from builder.source.api import Pin

USER, SECRET = "reader", "s3kret-t0ken"


def wheel(
    name: str, version: str, *, requires: tuple[str, ...] = (), tag: str = "py3-none-any", python: str = ""
) -> tuple[str, bytes]:
    """A wheel that installs one module; file name and bytes, the same on every call."""
    dist = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    head += f"Requires-Python: {python}\n" if python else ""
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{dist}/METADATA": head + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{dist}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    files[f"{dist}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{dist}/RECORD"))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-{tag}.whl", held.getvalue()


def pin_of(url: str, content: bytes, **changes: object) -> Pin:
    """The pin of `content` as it is found at `url`."""
    fields = {
        "name": "tiny",
        "version": "1.0",
        "filename": url.rpartition("/")[2],
        "url": url,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Pin(**(fields | changes))


@dataclass
class Server:
    """Answers by `routes` (path → bytes, or a function of the handler), and remembers requests."""

    routes: dict[str, bytes | Callable[[http.server.BaseHTTPRequestHandler], None]] = field(
        default_factory=dict
    )
    auth: bool = False
    tls: ssl.SSLContext | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> "Server":
        house = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                house.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                house.answer(self)

            do_HEAD = do_GET  # noqa: N815 - the library's spelling

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def url_with_secret(self) -> str:
        return self.url.replace("://", f"://{USER}:{SECRET}@")

    def publish(self, name: str, content: bytes, *, hashed: bool = True) -> None:
        """Put a wheel on the index: its page under /simple and its file under /files."""
        project = name.partition("-")[0].replace("_", "-")
        fragment = "#sha256=" + hashlib.sha256(content).hexdigest() if hashed else ""
        page = self.routes.get(f"/simple/{project}/", b"")
        self.routes[f"/simple/{project}/"] = page + f'<a href="/files/{name}{fragment}">{name}</a>\n'.encode()
        self.routes[f"/files/{name}"] = content

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        if self.auth and handler.headers.get("Authorization") != expected:
            return reply(handler, 401, b"", {"WWW-Authenticate": "Basic"})
        route = self.routes.get(handler.path)
        if route is None:
            return reply(handler, 404, b"")
        if callable(route):
            return route(handler)
        kind = "text/html" if handler.path.startswith("/simple") else "application/octet-stream"
        return reply(handler, 200, route, {"Content-Type": kind})


def reply(handler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """One whole answer."""
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body)


def ranged(content: bytes):
    """A route that honours Range, as real file servers do."""

    def route(handler):
        asked = handler.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        if not asked:
            return reply(handler, 200, content)
        start = int(asked)
        if start >= len(content):
            return reply(handler, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return reply(handler, 206, content[start:], {"Content-Range": span})

    return route


def broken_off(content: bytes, after: int, then):
    """A route that promises `content`, sends `after` bytes of it and hangs up; later ones reach `then`."""
    calls = []

    def route(handler):
        calls.append(1)
        if len(calls) > 1:
            return then(handler)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.close_connection = True
        return None

    return route


def in_turn(*routes):
    """A route that answers with each of `routes` once, and with the last for ever."""
    left = list(routes)

    def route(handler):
        return (left.pop(0) if len(left) > 1 else left[0])(handler)

    return route


def status(code: int, headers: dict[str, str] | None = None):
    """A route that only answers with a status."""
    return lambda handler: reply(handler, code, b"", headers)


def own_authority(folder):
    """A certificate authority's certificate (a path), and the TLS context of a server that it signed."""
    extension = "subjectAltName=IP:127.0.0.1"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made = [*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=envbuild test authority"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    signed = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-addext",
        "basicConstraints=CA:FALSE",
        "-addext",
        extension,
    ]
    made = [*new, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=127.0.0.1", *signed]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return folder / "ca.pem", context
