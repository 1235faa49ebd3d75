"""A bootstrapped Debian on a real engine: it runs, its apt works, and it holds nothing of this machine."""

import contextlib
import hashlib
import os
import shutil
import tarfile
import uuid
from pathlib import Path

import docker
import pytest

from builder.errors import InterruptedByUserError
from builder.source import debian_mirror, open_source

pytestmark = pytest.mark.real
MOUNT = "/mmdebstrap."
PUBLIC_HOSTS = {"deb.debian.org"}


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    path = open_source(store).bootstrap("debian12", "bookworm")
    yield store, path
    shutil.rmtree(store)


@pytest.fixture(scope="module")
def engine():
    client = docker.DockerClient(base_url=os.environ["ENVBUILD_TEST_ENGINE"], timeout=300)
    yield client
    client.close()


def test_it_is_made_once_and_refused_when_changed(rootfs):
    store, path = rootfs
    before = path.stat().st_mtime_ns
    assert open_source(store).bootstrap("debian12", "bookworm") == path
    assert path.stat().st_mtime_ns == before


def test_it_is_the_same_bytes_again_and_a_damaged_one_is_made_anew(rootfs):
    store, path = rootfs
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("r+b") as file:
        file.write(b"damaged")
    assert open_source(store).bootstrap("debian12", "bookworm") == path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_who_no_longer_wants_it_stops_it_and_nothing_stays(tmp_path):
    """mmdebstrap mounts things in a folder of its own, and a child of it works: all are gone then."""
    mounted = []

    def go_on() -> None:
        mounted.extend(line for line in Path("/proc/self/mounts").read_text().splitlines() if MOUNT in line)
        if mounted:
            raise InterruptedByUserError.of("interrupted")

    with pytest.raises(InterruptedByUserError):
        open_source(tmp_path).bootstrap("debian12", "bookworm", go_on)
    assert mounted
    assert MOUNT not in Path("/proc/self/mounts").read_text()
    assert not [path for path in tmp_path.glob("bootstrap/*") if path.suffix != ".lock"]
    assert not [
        program for program in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path) in _words(program)
    ]


def _words(program: Path) -> str:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        return program.read_bytes().decode(errors="replace").replace("\0", " ")
    return ""


def test_nothing_of_this_machine_is_inside(rootfs):
    """Configuration that mmdebstrap needs, or copies, is gone; apt names Debian's public mirrors."""
    mirror = debian_mirror.configured(os.environ)
    with tarfile.open(rootfs[1]) as tar:
        members = {member.name.removeprefix("./"): member for member in tar}
        text = {
            name: tar.extractfile(member).read().decode(errors="replace")
            for name, member in members.items()
            if member.isfile() and name.startswith("etc/")
        }
    assert "etc/hostname" not in members
    assert "etc/resolv.conf" not in members
    assert not [name for name in members if "mmdebstrap" in name]
    assert not [name for name in members if name.startswith("var/lib/apt/lists/") and members[name].size]
    assert text.get("etc/machine-id", "") == ""
    held = "\n".join(text.values())
    assert "Check-Valid-Until" not in held
    hosts = {uri.split("/")[2] for uri in (mirror.archive, mirror.security)} - PUBLIC_HOSTS
    assert not [host for host in hosts if host in held]
    assert "URIs: http://deb.debian.org/debian\n" in text["etc/apt/sources.list.d/debian.sources"]


def test_an_engine_runs_it_and_apt_in_it_works(rootfs, engine):
    name = f"envbuild-test/bootstrap-{uuid.uuid4().hex[:8]}"
    with rootfs[1].open("rb") as tar:
        engine.api.import_image_from_data(tar, repository=name, tag="latest")
    lagging = "" if debian_mirror.checks_dates() else "-o Acquire::Check-Valid-Until=false"
    install = "apt-get install -y -qq --no-install-recommends tini && tini --version"
    command = f"apt-get {lagging} update -qq && {install}"
    try:
        out = engine.containers.run(
            f"{name}:latest", ["sh", "-ec", command], remove=True, network_mode="host"
        )
    finally:
        engine.images.remove(f"{name}:latest", force=True)
    assert b"tini version" in out
