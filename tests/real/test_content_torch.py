"""torch's own wheel and those that it needs: what uv makes of them, and the same byte code in any order."""

import csv
import hashlib
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from uv import find_uv_bin

from builder.content import bytecode, wheels
from builder.content.site import Site
from builder.layer.values import Entry
from builder.source.api import Pin

pytestmark = pytest.mark.torch
WANTED = ("torch==2.13.0+cpu", "numpy")
PYTORCH = ("--extra-index-url", "https://download.pytorch.org/whl/cpu")
OWN = re.compile(r"bin/.*|.*\.dist-info/RECORD|pyvenv\.cfg|\.gitignore|\.lock|CACHEDIR\.TAG|lib64")
SITE = Site(python=f"{sys.version_info[0]}.{sys.version_info[1]}", interpreter=sys.executable)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The wheels as this machine's pip finds them, or from PyTorch's index."""
    place = tmp_path_factory.mktemp("wheels")
    order = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--only-binary",
        ":all:",
        "-d",
        str(place),
        *WANTED,
    ]
    if subprocess.run(order, check=False).returncode != 0:
        subprocess.run([*order, *PYTORCH], check=True)
    return place


@pytest.fixture(scope="module")
def contents(folder) -> wheels.Contents:
    return wheels.contents([(pinned(path), path) for path in folder.glob("*.whl")], SITE)


def pinned(path: Path) -> Pin:
    name, version, _, _ = parse_wheel_filename(path.name)
    return Pin(
        name=name, version=str(version), filename=path.name, url="", sha256="", size=path.stat().st_size
    )


def hashed(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def test_the_same_tree_as_uv_makes(folder, contents, tmp_path):
    quiet = {
        "PATH": os.environ["PATH"],
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
        "UV_NO_INSTALLER_METADATA": "1",
    }
    uv = [find_uv_bin(), "--offline", "--quiet"]
    root = tmp_path / "env"
    subprocess.run([*uv, "venv", "--python", sys.executable, str(root)], check=True, env=quiet)
    order = [
        *uv,
        "pip",
        "install",
        "--python",
        str(root),
        "--no-deps",
        "--no-index",
        *map(str, folder.iterdir()),
    ]
    subprocess.run(order, check=True, env=quiet)
    ours = {entry.path.removeprefix("opt/env/"): entry for entry in contents.entries if entry.kind == "file"}
    theirs = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    assert not {name for name in ours.keys() ^ theirs.keys() if not OWN.fullmatch(name)}
    assert {name for name in ours if name.startswith("bin/")} == {
        f"bin/{path.name}"
        for path in (root / "bin").iterdir()
        if os.access(path, os.X_OK) and not path.is_symlink()
    }
    different = [
        name for name, entry in ours.items() if not OWN.fullmatch(name) and not same(entry, theirs[name])
    ]
    assert different == []
    for name in (name for name in ours if name.endswith(".dist-info/RECORD") and name.count("/") == 4):
        rows = [
            {row[0] for row in csv.reader(text.splitlines())}
            for text in (read(ours[name]), theirs[name].read_text())
        ]
        assert rows[0] == rows[1]


def same(entry: Entry, path: Path) -> bool:
    status = path.stat()
    if (entry.size, entry.mode) != (status.st_size, stat.S_IMODE(status.st_mode)) or not entry.content:
        return False
    with path.open("rb") as file:
        return hashed(entry.content()) == hashed(iter(lambda: file.read(1 << 20), b""))


def read(entry: Entry) -> str:
    assert entry.content
    return b"".join(entry.content()).decode()


def test_its_byte_code_is_the_same_in_any_order(contents, tmp_path):
    found = bytecode.sources(contents.entries, SITE.packages)
    assert len(found) > 2000
    first, second = (compiled(order, tmp_path / name) for order, name in ((found, "a"), (found[::-1], "b")))
    assert first == second
    assert len(first) > 0.95 * len(found)


def compiled(found: tuple[Entry, ...], place: Path) -> dict[str, str]:
    """Path → hash of the byte code, compiled here."""
    place.mkdir()
    asked = bytecode.request(found, SITE, place / "stdin")
    with asked.stdin.open("rb") as stdin, (place / "stdout").open("wb") as stdout:
        subprocess.run(asked.command, stdin=stdin, stdout=stdout, check=True)
    made = bytecode.compiled(place / "stdout", asked)
    return {entry.path: hashed(entry.content()) for entry in made.entries if entry.content}
