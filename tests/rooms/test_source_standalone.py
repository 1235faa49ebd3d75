"""The standalone interpreter: found, checked and remembered by uv's own knowledge."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest
from source_server import SECRET, USER, Server, ranged, status, wheel

from builder.errors import CellError, OutsideError
from builder.source import downloads_json, installer
from builder.source.api import Order, Pin
from builder.source.host import HostSource

SETTINGS = b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"


def archive(python="3.12") -> bytes:
    """The smallest thing that uv takes for an interpreter. It is not run by anybody here."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("python/bin", f"python/lib/python{python}"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        settings = f"python/lib/python{python}/_sysconfigdata__linux_any.py"
        for name, text in (
            (f"python/bin/python{python}", b"#!/bin/sh\n"),
            (settings, SETTINGS),
        ):
            file = tarfile.TarInfo(name)
            file.mode, file.size = 0o755, len(text)
            tar.addfile(file, io.BytesIO(text))
    return held.getvalue()


CONTENT = archive()
NAMES = {
    ("3.12", "x86_64"): "cpython-3.12.1+20240107-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
    ("3.12", "aarch64"): "cpython-3.12.1+20240107-aarch64-unknown-linux-gnu-install_only_stripped.tar.gz",
    (
        "3.13t",
        "x86_64",
    ): "cpython-3.13.1+20250107-x86_64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz",
}


def pin(key, url="https://pbs.example.com/x.tar.gz", content=CONTENT):
    version = "3.13.1" if key[0].startswith("3.13") else "3.12.1"
    sha256 = hashlib.sha256(content).hexdigest()
    return Pin(name="cpython", version=version, filename=NAMES[key], url=url, sha256=sha256)


@pytest.fixture
def machine(tmp_path):
    """An environment whose uv knows only the interpreters that `offer` puts there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    listing = tmp_path / "downloads.json"
    own = {"PIP_CONFIG_FILE": "/dev/null", "UV_HTTP_RETRIES": "0", "UV_CACHE_DIR": str(tmp_path / "uv")}
    return kept | own | {"UV_PYTHON_DOWNLOADS_JSON_URL": listing.as_uri()}


def offer(tmp_path, *entries: bytes) -> None:
    rows = {}
    for entry in entries:
        rows |= json.loads(entry)
    (tmp_path / "downloads.json").write_text(json.dumps(rows))


def find(tmp_path, env, python="3.12", arch="x86_64"):
    return HostSource(root=tmp_path / "store", env=env)._interpreters.pin(python, arch)


def test_the_archive_is_pinned_verified_and_kept(tmp_path, machine):
    name = NAMES["3.12", "x86_64"]
    with Server(routes={f"/20240107/{name}": CONTENT}) as mirror:
        offer(tmp_path, downloads_json(pin(("3.12", "x86_64")), f"{mirror.url}/20240107/{name}"))
        found = find(tmp_path, machine)
        assert found == Pin(
            name="cpython",
            version="3.12.1",
            filename=name,
            url=f"{mirror.url}/20240107/{name}",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            size=len(CONTENT),
        )
        asked = len(mirror.asked)
        assert find(tmp_path, machine) == found
        path = HostSource(root=tmp_path / "store", env=machine).fetch(found, lambda *_: None)
        assert len(mirror.asked) == asked
    assert path.read_bytes() == CONTENT
    left = sorted(one.name for one in (tmp_path / "store").iterdir())
    assert left == ["interpreters", "sha256"]


@pytest.mark.parametrize("key", NAMES)
def test_each_kind_is_found_as_itself(tmp_path, machine, key):
    """Also for another architecture than this machine's, and free-threaded."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    content = archive("3.13t" if key[0] == "3.13t" else "3.12")
    listed = []
    for one, name in NAMES.items():
        held = content if one == key else b"another"
        (folder / name).write_bytes(held)
        listed.append(downloads_json(pin(one, content=held), (folder / name).as_uri()))
    offer(tmp_path, *listed)
    found = find(tmp_path, machine, *key)
    assert (found.filename, found.sha256) == (NAMES[key], hashlib.sha256(content).hexdigest())


def test_another_content_than_uv_knows_is_refused(tmp_path, machine):
    name = NAMES["3.12", "x86_64"]
    with Server(routes={f"/{name}": archive("3.11")}) as mirror:
        offer(tmp_path, downloads_json(pin(("3.12", "x86_64")), f"{mirror.url}/{name}"))
        with pytest.raises(OutsideError, match=r"cpython-3.12.1-linux-x86_64-gnu did not arrive"):
            find(tmp_path, machine)
    assert not list((tmp_path / "store").rglob("*.tar.gz"))


def test_an_unreachable_mirror_is_told_with_what_to_do(tmp_path, machine):
    offer(tmp_path, downloads_json(pin(("3.12", "x86_64")), "http://127.0.0.1:9/x.tar.gz"))
    with pytest.raises(OutsideError, match="did not arrive") as caught:
        find(tmp_path, machine)
    hint = caught.value.problems[0].hint
    assert "UV_PYTHON_INSTALL_MIRROR" in hint
    assert "provider: system" in hint


def test_an_unknown_python_is_the_cell_s_matter(tmp_path, machine):
    offer(tmp_path, downloads_json(pin(("3.12", "x86_64")), "http://127.0.0.1:9/x.tar.gz"))
    with pytest.raises(CellError, match=r"no standalone Python 3.6 for x86_64"):
        find(tmp_path, machine, "3.6")


def test_a_mirror_with_credentials_works_and_they_show_nowhere(tmp_path):
    """uv's own list, with only the mirror changed, as a team does it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    with Server(auth=True) as mirror:
        env = kept | {"UV_PYTHON_INSTALL_MIRROR": mirror.url_with_secret, "UV_HTTP_RETRIES": "0"}
        with pytest.raises(OutsideError) as caught:
            find(tmp_path, env)  # there is nothing on this mirror, and what it would be is not ours to make
        path, headers = mirror.asked[-1]
        assert "authorization" in headers
        assert "/cpython-3.12" in path
        source = HostSource(root=tmp_path / "store", env=env)
        mirror.routes["/x.tar.gz"] = ranged(CONTENT)
        fetched = source.fetch(pin(("3.12", "x86_64"), url=f"{mirror.url}/x.tar.gz"), lambda *_: None)
        assert fetched.read_bytes() == CONTENT
        mirror.routes["/y.tar.gz"] = status(404)
        with pytest.raises(OutsideError) as missing:
            source.fetch(pin(("3.12", "x86_64"), f"{mirror.url}/y.tar.gz", b"y"), lambda *_: None)
    said = repr((caught.value.problems, missing.value.problems))
    assert SECRET not in said
    assert USER not in said


@pytest.mark.parametrize("key", NAMES)
def test_uv_reads_the_listing_that_a_build_gets(tmp_path, key):
    """The build's uv finds exactly this interpreter, under its usual name."""
    listing = tmp_path / "downloads.json"
    listing.write_bytes(downloads_json(pin(key), f"file:///inputs/python/{NAMES[key]}"))
    env = os.environ | {"UV_PYTHON_DOWNLOADS_JSON_URL": listing.as_uri()}
    request = f"cpython-{key[0]}-linux-{key[1]}-gnu"
    command = [
        installer.find(),
        "python",
        "list",
        "--only-downloads",
        "--all-arches",
        "--output-format",
        "json",
    ]
    rows = json.loads(subprocess.run([*command, request], env=env, capture_output=True, check=True).stdout)
    (row,) = rows
    assert row["arch"] == key[1]
    assert row["variant"] == ("freethreaded" if key[0].endswith("t") else "default")
    assert row["url"] == f"file:///inputs/python/{NAMES[key]}"


def test_an_archive_of_another_name_is_refused():
    strange = Pin(
        name="cpython", version="3.12.1", filename="python.tar.gz", url="https://x.invalid", sha256="0" * 64
    )
    with pytest.raises(OutsideError, match="not named like"):
        downloads_json(strange, "file:///x")


def order(*, standalone: bool) -> Order:
    """One tiny wheel for Python 3.12."""
    known = {
        "constraints": (),
        "fallback": None,
        "index": "http://127.0.0.1:9",
        "arch": "x86_64",
        "glibc": "2.36",
    }
    return Order(requirements=("tiny",), python="3.12", standalone=standalone, **known)


def test_an_order_for_a_standalone_python_carries_it(tmp_path, machine):
    folder = tmp_path / "wheels"
    folder.mkdir()
    name = NAMES["3.12", "x86_64"]
    (folder / name).write_bytes(CONTENT)
    offer(tmp_path, downloads_json(pin(("3.12", "x86_64")), (folder / name).as_uri()))
    wheel_name, content = wheel("tiny", "1.0")
    (folder / wheel_name).write_bytes(content)
    env = machine | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    supplies = HostSource(root=tmp_path / "store", env=env).resolve(order(standalone=True))
    assert supplies.interpreter.version == "3.12.1"
    assert HostSource(root=tmp_path / "store", env=env).resolve(order(standalone=False)).interpreter is None
