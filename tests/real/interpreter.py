"""A stand-in for a standalone Python: an interpreter of this machine, packed as uv's mirror would hold it.

Where the published builds cannot be had, this proves the way that they go: list, archive, hash, store, mount,
install. What it is not: portable to a glibc older than this machine's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ASK = "import sys, json; print(json.dumps([list(sys.version_info[:3]), sys.base_prefix]))"
LEFT_OUT = (
    *("__pycache__", "site-packages", "dist-packages", "test", "idlelib", "tkinter", "ensurepip"),
    *("*.a", "config-*"),
)
SYSTEM = ("libc.so", "libm.so", "ld-linux", "libpthread", "libdl.so", "librt.so", "libutil")
NAME = "cpython-{}.{}.{}+20000101-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"


def with_its_own_prefix(version: str) -> str:
    """The command of a Python of this machine, such as `3.11`, that was not installed into /usr."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"), reverse=True)
    wanted = [int(part) for part in version.split(".")]
    for command in filter(None, (*map(str, managed), shutil.which(f"python{version}"), sys.executable)):
        found, prefix = _asked(command)
        if found[:2] == wanted and prefix != Path("/usr"):
            return command
    pytest.fail(f"no Python {version} with a prefix of its own, such as pyenv's, is on this machine")


def version_of(command: str) -> str:
    """Its full version."""
    return ".".join(map(str, _asked(command)[0]))


def mirror(folder: Path, python: str) -> Path:
    """Pack the interpreter `python` (a command) into `folder`; the list of downloads that uv reads."""
    version, prefix = _asked(python)
    archive = _pack(folder, version, prefix)
    major, minor, patch = version
    entry = {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": archive.as_uri(),
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "20000101",
    }
    listing = folder / "downloads.json"
    listing.write_text(json.dumps({f"cpython-{major}.{minor}.{patch}-linux-x86_64-gnu": entry}))
    return listing


def _asked(python: str) -> tuple[list[int], Path]:
    """Version and prefix."""
    version, prefix = json.loads(subprocess.check_output([python, "-c", ASK], text=True))
    return version, Path(prefix)


def _pack(folder: Path, version: list[int], prefix: Path) -> Path:
    """`python/bin` and `python/lib` with every library beside them that is not the C library's."""
    short = f"{version[0]}.{version[1]}"
    root = folder / "python"
    binary = root / "bin" / f"python{short}"
    binary.parent.mkdir(parents=True)
    shutil.copy2(prefix / "bin" / binary.name, binary)
    for name in ("python", "python3"):
        (root / "bin" / name).symlink_to(binary.name)
    modules = root / "lib" / binary.name
    shutil.copytree(prefix / "lib" / binary.name, modules, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (modules / "site-packages").mkdir()
    loadable = sorted((modules / "lib-dynload").glob("*.so"))
    sources = [prefix / "lib" / path.relative_to(root / "lib") for path in loadable]
    for library in _needed([prefix / "bin" / binary.name, *sources]):
        shutil.copy2(library, root / "lib" / library.name)
    for path in (binary, *loadable, *root.glob("lib/*.so*")):
        up = "$ORIGIN/../.." if path.parent.name == "lib-dynload" else "$ORIGIN/../lib"
        _look_in(path, str(prefix / "lib"), up)
    archive = folder / NAME.format(*version)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(root, arcname="python")
    shutil.rmtree(root)
    return archive


def _needed(files: list[Path]) -> list[Path]:
    """The shared libraries that the loader finds for `files`, without the C library's own."""
    found = set()
    for file in files:
        told = subprocess.run(["ldd", str(file)], text=True, capture_output=True, check=False).stdout
        for line in told.splitlines():
            path = line.partition("=>")[2].split(" (")[0].strip()
            if path.startswith("/") and not Path(path).name.startswith(SYSTEM):
                found.add(Path(path))
    return sorted(found)


def _look_in(path: Path, old: str, new: str) -> None:
    """Put another library search path in the place of the one that was linked in, which must be longer."""
    content = path.read_bytes()
    before = old.encode() + b"\0"
    after = new.encode() + b"\0"
    assert len(after) <= len(before), f"{old} is too short to be replaced"
    path.chmod(0o755)
    path.write_bytes(content.replace(before, after.ljust(len(before), b"\0")))


if __name__ == "__main__":
    print(mirror(Path(sys.argv[1]).resolve(), sys.argv[2]))  # noqa: T201
