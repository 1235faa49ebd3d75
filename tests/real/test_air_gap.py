"""docs/air-gap.md is done: its outside with this machine's network, its inside where there is none at all.

The inside is a network namespace with a loopback and nothing else. Engine, registry and envbuild are its own;
nothing of this machine's settings is there, but the folder that was carried in.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from main_job import COMMAND, ROOT, Job
from registry import HASHED, PASSWORD, USER

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

PAGE = (ROOT / "docs/air-gap.md").read_text()
REGISTRY = "127.0.0.1:5443"  # of the namespace; stands for registry.example.com
CARRIED = ("wheels", "team.yaml", "team.lock.json", "mirror")
CONFIG = f"""\
version: 0.1
storage: {{filesystem: {{rootdirectory: images}}}}
auth: {{htpasswd: {{realm: test, path: users}}}}
http: {{addr: "{REGISTRY}", tls: {{certificate: ca.crt, key: ca.key}}}}
log: {{level: error}}
"""
CERTIFICATE = (
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
)
SUBJECT = ("-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1")
# Ends with what the namespace was made for; a command that fails ends it.
INSIDE = """\
set -eu
ip link set lo up
if python3 -c "import socket; socket.create_connection(('1.1.1.1', 53), 5)" 2> unreached; then exit 9; fi
docker-registry serve registry.yml > registry.log 2>&1 &
trap 'kill $!; {script} stop {place}' EXIT
DOCKER_HOST="$({script} start {place})"
export DOCKER_HOST
"""


def commands(where: str) -> list[tuple[str, str]]:
    """What the page types in at that place, and what it shows below, for a registry of the test's own."""
    page = PAGE.replace("registry.example.com", REGISTRY)
    (block,) = re.findall(rf"```console {where}\n(.*?)```", page, re.DOTALL)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def settled(screen: str) -> list[str]:
    """A screen without what differs from run to run: digests, numbers, widths of columns."""
    screen = re.sub(r"sha256:[0-9a-f…]+", "DIGEST", screen)
    return [" ".join(re.sub(r"\d+(\.\d+)?", "N", line).split()) for line in screen.splitlines()]


@pytest.mark.timeout(2400)  # all of the main job, and a pull with its proof
def test_the_page_s_commands_do_what_it_shows(job: Job, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "openssl", "docker-registry"))):
        pytest.skip("a namespace of its own needs root, ip, openssl and docker-registry")
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (matrix,) = re.findall(r"With this `team\.yaml`,\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    (outside / "team.yaml").write_text(matrix.replace("registry.example.com", REGISTRY))
    (outside / "envbuild").symlink_to(ROOT)
    path = {"PATH": f"{COMMAND.parent}:{job.env['PATH']}"}
    for typed, shown in commands("outside"):
        ran = subprocess.run(
            typed.split(), cwd=outside, env=job.env | path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert settled(ran.stdout) == settled(shown)
    for name in CARRIED:
        shutil.move(outside / name, inside / name)
    _registry(inside)
    for (typed, shown), seen in zip(commands("inside"), _inside(inside), strict=True):
        assert settled(seen) == settled(shown), typed


def _registry(folder: Path) -> None:
    """Its settings, certificate and user; and the login, as `docker login` keeps it."""
    (folder / "registry.yml").write_text(CONFIG)
    (folder / "users").write_text(f"{USER}:{HASHED}\n")
    subprocess.run([*CERTIFICATE, *SUBJECT], cwd=folder, check=True, capture_output=True)
    login = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (folder / ".docker").mkdir()
    (folder / ".docker" / "config.json").write_text(json.dumps({"auths": {REGISTRY: login}}))


def _inside(folder: Path) -> list[str]:
    """What each of the inside's commands printed."""
    typed = [command for command, _ in commands("inside")]
    with tempfile.TemporaryDirectory(prefix="e", dir="/tmp") as name:  # short: sockets lie in it
        begin = INSIDE.format(script=ROOT / "scripts/engine", place=f"{name}/e")
        lines = [f"{command} > seen.{number}" for number, command in enumerate(typed)]
        env = {
            "PATH": f"{COMMAND.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "PIP_CONFIG_FILE": "/dev/null",
            "ENVBUILD_STORE": str(folder / "store"),
        }
        ran = subprocess.run(
            ["unshare", "--net", "bash", "-c", begin + "\n".join(lines)],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    log = (folder / "registry.log").read_text()
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}{log}"
    return [(folder / f"seen.{number}").read_text() for number in range(len(typed))]
