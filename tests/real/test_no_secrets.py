"""Nothing of the machine that builds is in what it builds: no credential, no address, no path.

An image is built with every kind of credential and private address that envbuild meets on its way, and every
byte of it is searched for them; so are the layers in the cache, its lock, its log, its records and what was
printed.
"""

import base64
import functools
import json
import os
import re
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from leaks import Search
from main_job import CELL, ROOT, Ended, Job, Passed
from proxy import proxy

from builder.source import pip_settings
from tests.rooms.source_server import Server, reply, wheel

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

# Anybody's defaults: naming them tells nothing about a machine.
PUBLIC = {
    *("pypi.org", "files.pythonhosted.org", "download.pytorch.org", "deb.debian.org", "security.debian.org"),
    *(
        "snapshot.debian.org",
        "archive.ubuntu.com",
        "ports.ubuntu.com",
        "security.ubuntu.com",
        "localhost",
        "127.0.0.1",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Private:
    """A team's index and proxy, which want a password. The mark is in each secret and each private path."""

    mark: str
    server: Server
    package: str
    proxy_port: int
    proxied: set[str]  # hosts that the proxy was asked for

    @property
    def user(self) -> str:
        return f"user-{self.mark}"

    @property
    def token(self) -> str:
        return f"token-{self.mark}"

    @property
    def address(self) -> str:
        """Its address as pip's settings name it."""
        return f"http://{self.user}:{self.token}@127.0.0.1:{self.server.port}/simple"

    @property
    def proxy(self) -> str:
        return f"http://{self.user}:{self.token}@127.0.0.1:{self.proxy_port}"

    @property
    def basic(self) -> str:
        return basic(self.mark)

    @property
    def ports(self) -> set[str]:
        """Where index and proxy listen."""
        return {f"127.0.0.1:{port}" for port in (self.server.port, self.proxy_port)}

    def publish(self) -> None:
        """Put the package on the index, behind the password."""
        name, content = wheel(self.package, "1.0")
        self.server.publish(name, content)
        self.server.routes["/simple/torch/"] = b""
        for path, body in list(self.server.routes.items()):
            self.server.routes[path] = functools.partial(self._guarded, body=body)

    def _guarded(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.headers.get("Authorization") != f"Basic {self.basic}":
            return reply(handler, 401, b"", {"WWW-Authenticate": "Basic"})
        kind = "text/html" if handler.path.startswith("/simple") else "application/octet-stream"
        return reply(handler, 200, body, {"Content-Type": kind})


def basic(mark: str) -> str:
    """User and token as HTTP sends them."""
    return base64.b64encode(f"user-{mark}:token-{mark}".encode()).decode()


@pytest.fixture(scope="module")
def private() -> Iterator[Private]:
    mark, package = uuid.uuid4().hex[:12], f"proof{uuid.uuid4().hex[:6]}"
    with Server() as server, proxy(basic(mark)) as (port, asked):
        made = Private(mark=mark, server=server, package=package, proxy_port=port, proxied=asked)
        made.publish()
        yield made


def credentials(folder: Path, private: Private) -> dict[str, str]:
    """The environment of somebody with credentials in every place that is usual."""
    home = folder / f"home-{private.mark}"
    home.mkdir()
    found = pip_settings.read(os.environ)
    certificates = home / "certificates.pem"
    certificates.write_bytes(Path(found.cert or "/etc/ssl/certs/ca-certificates.crt").read_bytes())
    (home / "netrc").write_text(
        f"machine files.example.org login netrc-{private.mark} password {private.token}\n"
    )
    docker = home / "docker"
    docker.mkdir()
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), private.proxy)
    (docker / "config.json").write_text(
        f'{{"auths": {{"registry.example.org": {{"auth": "{private.basic}"}}}},'
        f' "proxies": {{"default": {{"httpProxy": "{private.proxy}", "httpsProxy": "{private.proxy}"}}}}}}'
    )
    return {
        "PIP_EXTRA_INDEX_URL": " ".join((*found.extra_indexes, private.address)),
        "PIP_CERT": str(certificates),
        "NETRC": str(home / "netrc"),
        "DOCKER_CONFIG": str(docker),
        **proxies,
        "ENVBUILD_STORE": str(home / "store"),
    }


def fresh(folder: Path) -> Path:
    """Templates that install the same by a step that no engine has in its cache."""
    path = folder / "fresh" / "os" / "debian.j2"
    path.parent.mkdir(parents=True)
    text = (ROOT / "templates" / "os" / "debian.j2").read_text()
    assert text.count("set -eu; umask 022;") == 1
    path.write_text(text.replace("set -eu; umask 022;", f"set -eu; umask 022; : {uuid.uuid4()};"))
    return folder / "fresh"


def of_this_machine(environ: dict[str, str]) -> set[str]:
    """What pip and apt are told here, this checkout, this machine's name."""
    told = pip_settings.read(environ)
    words = {str(ROOT), str(Path.home()), socket.gethostname(), told.cert or ""}
    for address in told.addresses:
        parts = urlsplit(address)
        words |= {parts.netloc.rpartition("@")[2], parts.path if parts.scheme == "file" else ""}
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    reach = [line for line in dump.splitlines() if re.match("Acquire::(?!Changelogs)", line)]
    apt = "\n".join([*reach, *(path.read_text() for path in sources if path.is_file())])
    words |= set(re.findall(r"(?:https?|ftp)://(?:[^\s/@]*@)?([\w.-]+(?::\d+)?)", apt))
    # A short word such as `vm` is in many a binary by chance.
    return {word for word in words - PUBLIC if len(word) > 5 and not word.startswith("/etc/ssl/")}


@dataclass(frozen=True, kw_only=True)
class Built:
    """What came of a build among secrets."""

    job: Job
    private: Private
    ended: Ended
    image: str
    layers: tuple[str, ...]  # their diff_ids
    private_store: Path
    words: set[str]

    def search(self) -> Search:
        """A search for all secrets of this build, and all that is this machine's own."""
        return Search(self.words)


@pytest.fixture(scope="module")
def built(job: Job, passed: Passed, private: Private) -> Built:
    env = {**job.env, **credentials(job.folder, private)}
    matrix = job.matrix("among-secrets", packages={"pip": ["numpy", private.package]})
    ended = job.run("up", matrix.name, "--level", "static", "-v", "--templates", fresh(job.folder), env=env)
    assert ended.code == 0, ended.out + ended.err
    image = job.client.images.get(job.tags("among-secrets")[0])
    private_words = {private.mark, private.basic, str(job.folder), *private.ports}
    return Built(
        job=job,
        private=private,
        ended=ended,
        image=image.id,
        layers=tuple(image.attrs["RootFS"]["Layers"]),
        private_store=Path(env["ENVBUILD_STORE"]),
        words=private_words | of_this_machine(env),
    )


def test_the_password_was_needed(built: Built) -> None:
    """The wheel came from the private index, by the password in pip's settings, and is in the image; the
    distribution's packages came by the proxy, with its password.
    """
    assert "deb.debian.org" in built.private.proxied
    sent = [headers.get("authorization") for path, headers in built.private.server.asked if "/files/" in path]
    assert f"Basic {built.private.basic}" in sent
    ended = built.job.run("verify", built.image, "--level", "static", "--json", "-q")
    assert ended.cells[built.image]["verification"]["environment"]["packages"][built.private.package] == "1.0"


def test_no_layer_nor_the_history_holds_any_of_it(built: Built, tmp_path: Path) -> None:
    search = built.search()
    search.image(built.job.engine, built.image, tmp_path)
    search.text("history", repr(built.job.client.api.history(built.image)).encode())
    assert search.found == {}
    assert search.files > 10_000


def test_neither_log_nor_records_nor_the_rendered_folder_hold_any_of_it(built: Built) -> None:
    search = built.search()
    search.folder(built.job.folder / ".envbuild" / "among-secrets" / CELL)
    assert search.found == {}
    assert search.files > 8


def test_no_layer_in_the_cache_holds_any_of_it(built: Built, passed: Passed) -> None:
    """Those of which the image was made, before any engine saw them, and what is written down of them."""
    cache = built.private_store / "layers"
    search = built.search()
    search.layers(cache / "blobs")
    for folder in ("keys", "notes"):
        search.folder(cache / folder)
    assert search.found == {}
    assert search.files > 10_000
    made = {path.stem for path in (cache / "blobs").iterdir()}
    assert {digest.removeprefix("sha256:") for digest in built.layers} <= made


def test_the_lock_holds_none_of_it(built: Built) -> None:
    """It is for everybody who has the repository. Where a team's index listens is what it is to tell."""
    lock = (built.job.folder / "among-secrets.lock.json").read_bytes()
    search = Search(built.words - built.private.ports)
    search.text("lock", lock)
    assert search.found == {}
    url = f"http://127.0.0.1:{built.private.server.port}/files/{built.private.package}-1.0-py3-none-any.whl"
    assert url.encode() in lock
    assert json.loads(lock)["systems"], "packages were asked for, by the proxy with its password"


def test_nothing_of_it_is_printed(built: Built) -> None:
    search = built.search()
    search.text("standard output", built.ended.out.encode())
    search.text("standard error", built.ended.err.encode())
    assert search.found == {}
    assert "Unpacking python3" in built.ended.err  # what the step's programs print, for -v


def test_a_wrong_password_is_not_printed_either(job: Job, private: Private) -> None:
    wrong = f"wrong-{uuid.uuid4().hex}"
    matrix = job.matrix("refused", packages={"pip": ["numpy", private.package]})
    env = {"PIP_EXTRA_INDEX_URL": private.address.replace(private.token, wrong)}
    ended = job.run("build", matrix, "-v", env=env)
    assert ended.code == 1
    assert f"refused by http://127.0.0.1:{private.server.port}/simple" in ended.err
    assert not (job.folder / "refused.lock.json").exists()
    search = Search([wrong, private.user])
    search.text("printed", (ended.out + ended.err).encode())
    search.folder(job.folder / ".envbuild" / "refused" / CELL)
    assert search.found == {}


def test_the_search_finds_what_is_there(built: Built, passed: Passed, tmp_path: Path) -> None:
    """In a file that a later layer removes, a packed one, names, a link, the environment and the history."""
    mark = built.private.mark
    bare = f"{built.job.name}/bare:1"
    built.job.engine.tag(passed.base, bare)
    planted = built.job.derive(
        bare,
        f"RUN echo before {mark} after > /planted",
        "RUN rm /planted",
        f"RUN echo {mark} | gzip > /packed.gz",
        f"RUN touch /named-{mark} && ln -s /nowhere/{mark} /link",
        f"ENV PLANTED={mark}",
    )
    search = built.search()
    search.image(built.job.engine, planted, tmp_path)
    places = {place.rpartition(": ")[2] for place in search.found if ": " in place}
    assert places == {"planted", "packed.gz (unpacked)", f"named-{mark} (about it)", "link (about it)"}
    assert [place for place in search.found if ": " not in place]  # the image's configuration
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "log").write_text(f"…{built.private.basic}…")
    again = built.search()
    again.folder(tmp_path / "records")
    assert again.found == {"log": {built.private.basic}}
