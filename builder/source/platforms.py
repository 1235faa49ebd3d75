"""A cell's architecture, glibc and Python in uv's words."""

from __future__ import annotations

import re
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.version import Version

from builder.errors import CellError

# What `uv pip compile --python-platform` accepts as manylinux_2_NN (a test compares with the uv here).
GLIBC_KNOWN = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
ARCHES = ("x86_64", "aarch64")
OLDEST, OLDER_NAMES = 5, {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600

_TAG = re.compile(r"(?:(?P<old>manylinux\d+)|manylinux_(?P<glibc>\d+_\d+)|linux)_(?P<arch>x86_64|aarch64)")
_OLD = {name: f"2.{minor}" for minor, name in OLDER_NAMES.items()}


def of_tag(platform: str) -> tuple[str, str] | None:
    """A wheel's platform tag → architecture and glibc (`x86_64`, `2.28`); None for what is not Linux.

    The glibc is empty for plain `linux_x86_64`, which tells none.
    """
    told = _TAG.fullmatch(platform)
    if told is None:
        return None
    return told["arch"], _OLD.get(told["old"], "") if told["old"] else (told["glibc"] or "").replace("_", ".")


def python_platform(arch: str, glibc: str) -> str:
    """The highest platform that uv knows and the cell's glibc carries; else `CellError`."""
    version = Version(glibc)
    carried = [minor for minor in GLIBC_KNOWN if (2, minor) <= (version.major, version.minor)]
    if not carried or arch not in ARCHES:
        raise CellError.of(
            f"there are no manylinux wheels for {arch} with glibc {glibc}",
            hint="wheels need x86_64 or aarch64 and glibc 2.17 (CentOS 7) or newer",
        )
    return f"{arch}-manylinux_2_{carried[-1]}"


def full_version(python: str) -> str:
    """The version that uv is to resolve for: `3.11.7` itself; of a minor a patch as late as any, for packages
    that ask for more than its first one (`>=3.6.2`).
    """
    version = python.removesuffix("t")
    return version if version.count(".") > 1 else f"{version}.99"


def tags(python: str, arch: str, glibc: str) -> tuple[Tag, ...]:
    """The tags of wheels that run in a cell, the best first, as pip orders them."""
    major, minor = (int(part) for part in python.removesuffix("t").split(".")[:2])
    version, name = (major, minor), f"cp{major}{minor}"
    abi = name + ("t" if python.endswith("t") else "m" if version < (3, 8) else "")
    platforms = tuple(_platforms(arch, int(glibc.split(".")[1])))
    return (
        *cpython_tags(version, [abi], platforms),
        *compatible_tags(version, name, platforms),
    )


def _platforms(arch: str, glibc: int) -> Iterator[str]:
    for minor in range(glibc, OLDEST - 1, -1):
        yield f"manylinux_2_{minor}_{arch}"
        if minor in OLDER_NAMES:
            yield f"{OLDER_NAMES[minor]}_{arch}"
    yield f"linux_{arch}"


def interpreter_for(python: str, folder: Path) -> Path:
    """An interpreter of this machine for uv to start from; version and platform are told to uv separately.

    uv takes one thing from it that no option sets: whether Python is free-threaded. For `3.13t` it is
    therefore given a virtual environment, made in `folder`, that says so, because hardly any machine has such
    an interpreter.
    """
    if not python.endswith("t"):
        return Path(sys.executable)
    home = folder / "free-threaded"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    packages = next(home.glob("lib/python*/site-packages"))
    # A .pth file and not sitecustomize.py: Debian's own sitecustomize stands before a virtual environment's.
    line = 'import sysconfig; sysconfig.get_config_vars()["Py_GIL_DISABLED"] = 1\n'
    (packages / "free_threaded.pth").write_text(line)
    return home / "bin" / "python"
