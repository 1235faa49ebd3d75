"""A registry on 127.0.0.1, a page long, that can be as unfriendly as the real ones and as hostile as none."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from builder.registry import connect
from builder.registry.api import INDEX
from builder.registry.client import Client
from builder.registry.retrying import Retrying

USER, SECRET = "writer", "s3kret-t0ken"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Fault:
    """What the next `times` requests of that method and path meet. `answer` may be one that is made when
    asked, or None: then the work is done as usual. `take`: only so many bytes of the body arrive, then the
    connection ends. `lose`: the work is done, and its answer is lost. `hold` is waited for first.
    """

    method: str
    path: str
    answer: Answer | Callable[[Asked], Answer] | None = None
    times: int = 1
    take: int | None = None
    lose: bool = False
    hold: threading.Event | None = None


@dataclass
class Server:
    """`chunked`: whether it takes blobs in parts; `strict`: whether an upload is known by its newest address
    alone, as by Debian's registry; `lists`: whether it has the referrers API; `auth`: None, `basic` or
    `bearer`; a token opens `uses` requests.
    """

    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repository → digest → bytes
    manifests: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    chunked: bool = True
    strict: bool = True
    lists: bool = False
    auth: str | None = None
    realm: str | None = None
    uses: int = 1_000_000
    least: int | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    expires: int = 300
    host: str = ""
    scheme: str = "http"
    connections: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def seen(self, method: str, path: str = "") -> list[Asked]:
        return [each for each in self.asked if each.method == method and re.search(path, each.path)]

    def fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method == asked.method and re.search(fault.path, asked.path):
                fault.times -= 1
                return fault
        return None

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            return self.token(asked)
        refusal = self.refusal(asked)
        if refusal:
            return refusal
        match = re.fullmatch(r"/v2/(.+)/(blobs/uploads|blobs|manifests|referrers)/([^/]*)", asked.path)
        repository, kind, last = match.groups()
        work = {"blobs": self.blob, "manifests": self.manifest, "referrers": self.referrers}
        return work.get(kind, self.upload)(asked, repository, last)

    def refusal(self, asked: Asked) -> Answer | None:
        given = asked.headers.get("authorization", "")
        if self.auth == "basic" and given != basic():
            return error(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="here"'})
        if self.auth == "bearer":
            token = given.removeprefix("Bearer ")
            if self.tokens.get(token, 0) < 1:
                own = f"{self.scheme}://{self.host}/token"
                realm = own if self.realm is None else self.realm
                return error(
                    401, "UNAUTHORIZED", {"WWW-Authenticate": f'Bearer realm="{realm}",service="us"'}
                )
            self.tokens[token] -= 1
        return None

    def token(self, asked: Asked) -> Answer:
        form = parse_qs(asked.body.decode())
        if asked.headers.get("authorization") != basic() and form.get("refresh_token") != [SECRET]:
            return Answer(401)
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = self.uses
        return Answer(200, body=json.dumps({"token": token, "expires_in": self.expires}).encode())

    def blob(self, asked: Asked, repository: str, digest: str) -> Answer:
        content = self.blobs.get(repository, {}).get(digest)
        if content is None:
            return error(404, "BLOB_UNKNOWN")
        start = asked.headers.get("range", "").removeprefix("bytes=").rstrip("-")
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return Answer(206, {"Content-Range": span}, content[int(start) :])
        return Answer(200, body=content)

    def upload(self, asked: Asked, repository: str, name: str) -> Answer:
        if asked.method == "POST":
            return self.begun(asked, repository)
        held = self.uploads.get(name)
        if held is None or (self.strict and asked.query["state"] != [str(len(held))]):
            self.uploads.pop(name, None)
            return error(404, "BLOB_UPLOAD_UNKNOWN")
        if asked.method == "GET":
            return self.place(repository, name, 204)
        return (self.patch if asked.method == "PATCH" else self.end)(asked, repository, name)

    def patch(self, asked: Asked, repository: str, name: str) -> Answer:
        if not self.chunked:
            return error(404, "UNSUPPORTED")
        if asked.headers["content-range"].partition("-")[0] != str(len(self.uploads[name])):
            return error(416, "RANGE_INVALID")
        self.uploads[name] += asked.body
        return self.place(repository, name, 202)

    def end(self, asked: Asked, repository: str, name: str) -> Answer:
        content, digest = self.uploads[name] + asked.body, asked.query["digest"][0]
        if sha256(content) != digest:
            return error(400, "DIGEST_INVALID")
        self.uploads.pop(name)
        self.blobs.setdefault(repository, {})[digest] = content
        return Answer(201, {"Location": f"/v2/{repository}/blobs/{digest}", "Docker-Content-Digest": digest})

    def begun(self, asked: Asked, repository: str) -> Answer:
        if "mount" in asked.query:
            digest = asked.query["mount"][0]
            content = self.blobs.get(asked.query["from"][0], {}).get(digest)
            if content is not None:
                self.blobs.setdefault(repository, {})[digest] = content
                return Answer(201, {"Location": f"/v2/{repository}/blobs/{digest}"})
        name = f"u{len(self.asked)}"
        self.uploads[name] = b""
        return self.place(repository, name, 202)

    def place(self, repository: str, name: str, status: int) -> Answer:
        size = len(self.uploads[name])
        where = f"{self.scheme}://{self.host}/v2/{repository}/blobs/uploads/{name}?state={size}"
        headers = {"Location": where, "Range": f"0-{max(0, size - 1)}"}
        return Answer(status, headers | ({"OCI-Chunk-Min-Length": str(self.least)} if self.least else {}))

    def manifest(self, asked: Asked, repository: str, reference: str) -> Answer:
        held = self.manifests.setdefault(repository, {})
        if asked.method == "PUT":
            digest = sha256(asked.body)
            for name in (reference, digest):
                held[name] = (asked.body, asked.headers["content-type"])
            subject = json.loads(asked.body).get("subject", {}).get("digest")
            said = {"OCI-Subject": subject} if self.lists and subject else {}
            return Answer(201, {"Docker-Content-Digest": digest, **said})
        if reference not in held:
            return error(404, "MANIFEST_UNKNOWN")
        body, kind = held[reference]
        return Answer(200, {"Content-Type": kind, "Docker-Content-Digest": sha256(body)}, body)

    def referrers(self, asked: Asked, repository: str, subject: str) -> Answer:
        if not self.lists:
            return Answer(404, body=b"404 page not found")
        found = []
        for name, (body, kind) in self.manifests.get(repository, {}).items():
            document = json.loads(body)
            if name.startswith("sha256:") and document.get("subject", {}).get("digest") == subject:
                entry = {"digest": name, "size": len(body), "mediaType": kind}
                found.append(entry | {"artifactType": document["artifactType"]})
        return Answer(200, {"Content-Type": INDEX}, json.dumps({"manifests": found}).encode())


def basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()


def error(status: int, code: str, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]})
    return Answer(status, headers or {}, body.encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.house.connections += 1

    def do_GET(self):
        house = self.server.house
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, parse_qs(parts.query), headers)
        fault = house.fault(asked) or Fault("", "")
        if fault.hold:
            fault.hold.wait(60)
        length = int(headers.get("content-length") or 0)
        asked.body = self.rfile.read(length if fault.take is None else min(fault.take, length))
        with house.guard:
            house.asked.append(asked)
            scripted = fault.answer(asked) if callable(fault.answer) else fault.answer
            answer = scripted or house.answer(asked)
        if fault.lose or fault.take is not None:
            self.close_connection = True
            return
        self.say(answer)

    do_HEAD = do_POST = do_PATCH = do_PUT = do_CONNECT = do_GET  # noqa: N815  # http.server's names

    def say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):
                self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up, or tries TLS, is part of the tests


@contextmanager
def serve(**settings) -> Iterator[Server]:
    """An empty registry, until the end of the block."""
    tls = settings.pop("tls", None)
    with Listener(("127.0.0.1", 0), Handler) as listener:
        if tls:
            listener.socket = tls.wrap_socket(listener.socket, server_side=True)
        port = listener.server_address[1]
        listener.house = Server(host=f"127.0.0.1:{port}", scheme="https" if tls else "http", **settings)
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield listener.house
        listener.shutdown()
        thread.join()


def client(server: Server, pauses: list[float] | None = None, **options) -> Client:
    """The room's client of `server`; it does not wait, but notes how long it would have."""
    options = {"plain_http": server.scheme == "http", "environ": {"HOME": "/nowhere"}} | options
    made = connect(server.host, **options)
    cancel = options.get("cancel") or threading.Event()
    noted = pauses if pauses is not None else []
    retrying = Retrying(cancel=cancel, pause=noted.append, random=lambda: 0.0)
    return replace(made, asking=replace(made.asking, retrying=retrying))


def logged_in(folder: Path, server: Server, **entry: str) -> dict[str, str]:
    """An environment with a login for `server` in Docker's way."""
    login = entry or {"username": USER, "password": SECRET}
    (folder / "config.json").write_text(json.dumps({"auths": {server.host: login}}))
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder)}
