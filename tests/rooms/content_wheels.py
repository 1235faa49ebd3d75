"""Small wheels as publishers make them, interpreters of this machine, and layers laid out as folders."""

import base64
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.content.site import Site
from builder.layer.values import Entry
from builder.source.api import Pin

FACTS = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
FORMAT = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, name: str, files: dict[str, object], version: str = "1.0") -> tuple[Pin, Path]:
    """A wheel with these files beside its metadata; `(content, mode)` where a mode matters."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    facts = f"{name}-{version}.dist-info"
    wanted = {
        f"{facts}/METADATA": FACTS.format(name=name, version=version),
        f"{facts}/WHEEL": FORMAT,
        **{at.replace("{facts}", facts): what for at, what in files.items()},
    }
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for at, what in wanted.items():
            content, mode = what if isinstance(what, tuple) else (what, 0o100644)
            content = content.encode() if isinstance(content, str) else content
            put(archive, at, content, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f'"{at}",sha256={digest},{len(content)}\n')
        if f"{facts}/RECORD" not in wanted:
            put(archive, f"{facts}/RECORD", "".join([*rows, f"{facts}/RECORD,,\n"]).encode())
    return pin_of(path, name, version), path


def put(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = 0o100644) -> None:
    entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr = 3, mode << 16
    entry.compress_type = zipfile.ZIP_STORED if len(content) % 2 else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def pin_of(path: Path, name: str, version: str = "1.0") -> Pin:
    return Pin(
        name=canonicalize_name(name),
        version=version,
        filename=path.name,
        url=path.as_uri(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
    )


def site_at(folder: Path, interpreter: str = sys.executable) -> Site:
    """An environment at `folder`, to be laid out below `/` of a layer."""
    version = subprocess.check_output(
        [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    )
    return Site(python=version.decode().strip(), interpreter=interpreter, prefix=str(folder))


def lay(entries: Iterable[Entry], site: Site) -> None:
    """Put the part of a layer that is the environment where it belongs on this machine."""
    named = {entry.path: entry for entry in entries}
    for path in sorted(named):
        if f"{path}/".startswith(f"{site.root}/"):
            put_down(named[path], Path("/") / path)


def put_down(entry: Entry, at: Path) -> None:
    if entry.kind == "folder":
        at.mkdir(parents=True, exist_ok=True)
        at.chmod(entry.mode)
    elif entry.kind == "symlink":
        at.symlink_to(entry.target)
    else:
        at.write_bytes(read(entry))
        at.chmod(entry.mode)
        os.utime(at, (entry.mtime, entry.mtime))


def read(entry: Entry) -> bytes:
    assert entry.content
    content = b"".join(entry.content())
    assert len(content) == entry.size
    return content


@functools.lru_cache
def pythons() -> tuple[str, ...]:
    """One interpreter of each minor version that this machine has, from 3.6 on; the tests' own is one."""
    here = sys.version_info[:2]
    found = {here: getattr(sys, "_base_executable", sys.executable)}
    for minor in range(6, 20):
        name = f"python3.{minor}"
        for path in (
            *sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}")),
            shutil.which(name),
        ):
            if path and subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0:
                found.setdefault((3, minor), str(path))
    return tuple(found.values())
