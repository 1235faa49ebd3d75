"""A standalone Python's archive becomes what uv makes of it, and nothing outside of its folder."""

import io
import runpy
import tarfile
import time
from pathlib import Path

import pytest
from content_wheels import put_down, read

from builder.content import build_settings, interpreter
from builder.errors import CellError
from builder.source.api import Pin

NAME = "cpython-3.11.7+20240107-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
FREE = "cpython-3.13.1+20250115-aarch64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz"
FOLDER = "opt/python/cpython-3.11.7-linux-x86_64-gnu"
SETTINGS = """\
# system configuration generated and used by the sysconfig module
build_time_vars = {'prefix': '/install', 'LIBDIR': '/install/lib', 'SIZEOF_INT': 4,
 'AR': '/tools/llvm/bin/llvm-ar', 'CC': 'clang -pthread',
 'LDCXXSHARED': '/usr/bin/x86_64-linux-gnu-g++ -shared',
 'OTHER': 'clang /installed -I/x/install'
 ' -L/install/lib'}
"""
USUAL = {
    "python/bin/python3.11": (b"\x7fELF", 0o755),
    "python/bin/python": "python3.11",
    "python/lib/python3.11/os.py": (b"os\n", 0o664),
    "python/lib/python3.11/__pycache__/os.cpython-311.pyc": (b"stale", 0o644),
    "python/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py": (SETTINGS.encode(), 0o644),
    "python/lib/pkgconfig/python3.pc": (b"prefix=/install\nlibdir=${prefix}/lib\n", 0o644),
}


def archive(folder, files, name=NAME):
    """Names with (bytes, mode), or a symbolic link's text; in a tar as the builders make it."""
    path = folder / name
    with tarfile.open(path, "w:gz") as tar:
        for at, what in files.items():
            member = tarfile.TarInfo(at)
            member.mtime, member.uid, member.uname = int(time.time()), 1000, "runner"
            if isinstance(what, str):
                member.type, member.linkname = tarfile.SYMTYPE, what
                tar.addfile(member)
            elif isinstance(what, tarfile.TarInfo):
                tar.addfile(what)
            else:
                member.size, member.mode = len(what[0]), what[1]
                tar.addfile(member, io.BytesIO(what[0]))
    version = name.removeprefix("cpython-").partition("+")[0]
    return path, Pin(name="cpython", version=version, filename=name, url="", sha256="")


def by_path(path, pin):
    return {entry.path: entry for entry in interpreter.entries(path, pin)}


def test_it_lies_where_uv_puts_it(tmp_path):
    found = by_path(*archive(tmp_path, USUAL))
    assert {path: entry.mode for path, entry in found.items() if entry.kind == "file"} == {
        f"{FOLDER}/bin/python3.11": 0o755,
        f"{FOLDER}/lib/python3.11/os.py": 0o644,
        f"{FOLDER}/lib/python3.11/EXTERNALLY-MANAGED": 0o644,
        f"{FOLDER}/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py": 0o644,
        f"{FOLDER}/lib/pkgconfig/python3.pc": 0o644,
    }
    assert found[f"{FOLDER}/bin/python"].target == "python3.11"
    assert {"opt", "opt/python", FOLDER, f"{FOLDER}/lib"} <= set(found)
    assert {(entry.mtime, entry.uid) for entry in found.values()} == {(946684800, 0)}
    assert read(found[f"{FOLDER}/bin/python3.11"]) == b"\x7fELF"
    assert (
        read(found[f"{FOLDER}/lib/pkgconfig/python3.pc"])
        == b"prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"
    )


def test_a_free_threaded_one_says_so():
    place = interpreter.installed(Pin(name="cpython", version="3.13.1", filename=FREE, url="", sha256=""))
    assert place.program == "/opt/python/cpython-3.13.1+freethreaded-linux-aarch64-gnu/bin/python3.13t"
    assert place.python == "3.13t"


def test_hard_links_stay_hard_links(tmp_path):
    link = tarfile.TarInfo("python/bin/python3")
    link.type, link.linkname = tarfile.LNKTYPE, "python/bin/python3.11"
    entry = by_path(*archive(tmp_path, {**USUAL, "": link}))[f"{FOLDER}/bin/python3"]
    assert (entry.kind, entry.target, entry.size) == ("hardlink", f"{FOLDER}/bin/python3.11", 0)


def test_what_it_tells_about_its_building_is_told_anew(tmp_path):
    content = build_settings.sysconfig(SETTINGS.encode(), "/opt/python/x")
    (tmp_path / "told.py").write_bytes(content)
    assert runpy.run_path(str(tmp_path / "told.py"))["build_time_vars"] == {
        "prefix": "/opt/python/x",
        "LIBDIR": "/opt/python/x/lib",
        "SIZEOF_INT": 4,
        "AR": "ar",
        "CC": "cc -pthread",
        "LDCXXSHARED": "c++ -shared",
        "OTHER": "clang /installed -I/x/install -L/opt/python/x/lib",
    }
    assert build_settings.sysconfig(content, "/opt/python/x") == content


@pytest.mark.parametrize(
    "content", [b"import os\nbuild_time_vars = os.environ\n", b"(", b"", b"a = 1\nb = 2\n"]
)
def test_settings_of_another_kind_are_left_alone(content):
    assert build_settings.sysconfig(content, "/x") == content


DEVICE = tarfile.TarInfo("python/dev")
DEVICE.type = tarfile.CHRTYPE
OUTER = tarfile.TarInfo("python/bin/x")
OUTER.type, OUTER.linkname = tarfile.LNKTYPE, "etc/passwd"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"python/../x": (b"", 0o644)}, "not a path below python/"),
        ({"/etc/x": (b"", 0o644)}, "not a path below python/"),
        ({"other/x": (b"", 0o644)}, "not a path below python/"),
        ({"python/bin/x": "/etc/passwd"}, "leads out of it"),
        ({"python/bin/x": "../../../etc"}, "leads out of it"),
        ({"x": OUTER}, "not a path below python/"),
        ({"x": DEVICE}, "neither file, folder nor link"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, files, why):
    with pytest.raises(CellError, match=why):
        interpreter.entries(*archive(tmp_path, {**USUAL, **files}))


def test_a_cut_archive_is_refused(tmp_path):
    path, pin = archive(tmp_path, USUAL)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CellError, match="cannot be read"):
        interpreter.entries(path, pin)


def test_an_archive_without_a_python_is_refused(tmp_path):
    path, pin = archive(tmp_path, {"python/lib/x": (b"", 0o644)})
    with pytest.raises(CellError, match=r"no bin/python3\.11 in"):
        interpreter.entries(path, pin)


def test_content_can_be_read_twice_and_late(tmp_path):
    path, pin = archive(tmp_path, USUAL)
    entry = by_path(path, pin)[f"{FOLDER}/lib/python3.11/os.py"]
    path.unlink()
    assert read(entry) == read(entry) == b"os\n"
    put_down(entry, Path(tmp_path) / "os.py")
