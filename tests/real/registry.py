"""A registry of a test's own: Debian's docker-registry on the loopback, where no engine asks for TLS."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, maintenance: {{readonly: {{enabled: {readonly}}}}}}}
{auth}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""
# Of the password `one-password`, as htpasswd -B writes it.
USER, PASSWORD = "somebody", "one-password"
HASHED = "$2y$05$abcdefghijklmnopqrstuuVXpMr7cB.w0Tr4cRyN3g0AV/w5Ngztm"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Its address, and the folder where it keeps its blobs."""

    address: str
    folder: Path

    @property
    def blobs(self) -> dict[str, int]:
        """Everything that it was sent, manifests included: digest and bytes."""
        found = (self.folder / "docker" / "registry" / "v2" / "blobs" / "sha256").glob("*/*/data")
        return {f"sha256:{path.parent.name}": path.stat().st_size for path in found}

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        """Method, path and status of everything that it was asked, by its own access log."""
        found = re.findall(r'"([A-Z]+) (\S+) HTTP/[\d.]+" (\d+) ', (self.folder / "log").read_text())
        return [(method, path.partition("?")[0], int(status)) for method, path, status in found]

    def push(self, client: docker.DockerClient, image: str, repository: str, tag: str) -> dict[str, Any]:
        """Push an image, and return the manifest that is here then."""
        name = f"{self.address}/{repository}"
        client.images.get(image).tag(name, tag)
        for line in client.api.push(name, tag=tag, stream=True, decode=True):
            assert "error" not in line, line
        client.images.remove(f"{name}:{tag}")
        url = f"http://{name.replace('/', '/v2/', 1)}/manifests/{tag}"
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Accept": f"{MANIFEST}, {OCI}"})
        ) as it:
            found: dict[str, Any] = json.load(it)
        return found


@contextmanager
def running(folder: Path, *, locked: bool = False, readonly: bool = False) -> Iterator[Registry]:
    """An empty one, until the end of the block. `locked`: for USER with PASSWORD alone; `readonly`: it takes
    nothing.
    """
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not on this machine (scripts/test installs it as root)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    config, log = folder / "config.yml", folder / "log"
    users = folder / "users"
    users.write_text(f"{USER}:{HASHED}\n")
    auth = f"auth: {{htpasswd: {{realm: test, path: {users}}}}}" if locked else ""
    config.write_text(
        CONFIG.format(folder=folder, port=port, auth=auth, readonly="true" if readonly else "false")
    )
    with (
        log.open("w") as said,
        subprocess.Popen([program, "serve", config], stdout=said, stderr=said) as server,
    ):
        try:
            _wait(server, port, log)
            yield Registry(address=f"127.0.0.1:{port}", folder=folder)
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it listens; a minute at most."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the registry does not answer: {log.read_text()}")
