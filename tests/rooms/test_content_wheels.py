"""Wheels become what pip and uv make of them, and nothing else."""

import base64
import csv
import hashlib
import os
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from content_wheels import lay, pin_of, put, read, site_at, wheel
from uv import find_uv_bin

from builder.content import skeleton, wheels
from builder.content.site import Site
from builder.errors import CellError

SITE = Site(python="3.11", interpreter="/usr/bin/python3.11")
PACKAGES = "opt/env/lib/python3.11/site-packages"
RICH = {
    "rich_one/__init__.py": "def main():\n    print('hello from', __name__)\n\n\nclass A:\n    go = main\n",
    "rich_one/größe.txt": "ä" * 5000,
    "rich_one/empty.py": "",
    "rich_one/tool.sh": ("#!/bin/sh\n", 0o100755),
    "rich_one/odd.so": (b"\x7fELF" * 1001, 0o100711),
    "rich_one/large.bin": bytes(range(256)) * 40_000,
    "rich_one-1.0.data/purelib/beside.py": "beside = True\n",
    "rich_one-1.0.data/platlib/beside_too.py": "beside = 2\n",
    "rich_one-1.0.data/headers/rich.h": "int rich;\n",
    "rich_one-1.0.data/data/share/man/man1/rich.1": "rich\n",
    "rich_one-1.0.data/scripts/old-style": ("#!python -u\nimport rich_one; rich_one.main()\n", 0o100644),
    "rich_one-1.0.data/scripts/shell": "#!/bin/sh\necho shell\n",
    "rich_one-1.0.data/scripts/rich": "#!python\nraise SystemExit('the entry point wins')\n",
    "{facts}/entry_points.txt": "[console_scripts]\nrich = rich_one:main\nRich.Go = rich_one:A.go [extra]\n\n"
    "[gui_scripts]\nrich-window=rich_one : main\n\n[other]\nx = not a program\n",
}

ASK = """
import importlib.metadata as m
print(m.version("rich-one"), all(f.locate().exists() for f in m.files("rich-one")))
"""


def by_path(*made, site=SITE):
    return {entry.path: entry for entry in wheels.contents(made, site).entries}


def tree(root: Path) -> dict[str, tuple[int, str | bytes]]:
    """Mode and content of every file and link, but scripts' own texts and RECORD's order."""
    found = {}
    for path in (Path(folder, name) for folder, _, names in os.walk(root) for name in names):
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes()
        found[str(path.relative_to(root))] = (stat.S_IMODE(path.lstat().st_mode), content)
    return found


def test_the_same_tree_as_uv_makes(tmp_path):
    (tmp_path / "wheels").mkdir()
    made = [
        wheel(tmp_path / "wheels", "rich_one", RICH),
        wheel(tmp_path / "wheels", "plain", {"plain.py": ""}),
    ]
    ours, uvs = site_at(tmp_path / "ours"), tmp_path / "uvs"
    lay((*wheels.contents(made, ours).entries, *skeleton.entries(ours)), ours)
    quiet = {
        "PATH": os.environ["PATH"],
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
        "UV_NO_INSTALLER_METADATA": "1",
        "UV_PYTHON": sys.executable,
    }
    uv = [find_uv_bin(), "--offline", "--quiet"]
    subprocess.run([*uv, "venv", str(uvs)], check=True, env=quiet)
    order = [*uv, "pip", "install", "--no-deps", "--no-index", *(str(path) for _, path in made)]
    subprocess.run(
        order, check=True, env={**quiet, "VIRTUAL_ENV": str(uvs), "UV_PYTHON": f"{uvs}/bin/python"}
    )
    mine, theirs = tree(tmp_path / "ours"), tree(uvs)
    assert {name for name in mine.keys() ^ theirs.keys() if not name.startswith("bin/")} <= {
        *(".gitignore", ".lock", "CACHEDIR.TAG")
    }
    scripts = {"rich", "Rich.Go", "rich-window", "old-style", "shell"}
    assert {name for name in mine if name.startswith("bin/")} == {
        f"bin/{name}" for name in scripts | {"activate", *(p.name for p in (uvs / "bin").glob("python*"))}
    }
    for name in mine.keys() & theirs.keys():
        assert mine[name][0] == theirs[name][0], name
        if not name.endswith("RECORD") and name != "pyvenv.cfg" and not name.startswith("bin/"):
            assert mine[name][1] == theirs[name][1], name
    for name in (name for name in mine if name.endswith("RECORD")):
        rows = [
            {row[0] for row in csv.reader(each[name][1].decode().splitlines())} for each in (mine, theirs)
        ]
        # uv lists a script that it left out for an entry point of that name.
        assert rows[0] == rows[1] - {"rich_one-1.0.data/scripts/rich"}


def test_what_is_installed_works_and_can_be_removed(tmp_path):
    site = site_at(tmp_path / "env")
    lay((*by_path(wheel(tmp_path, "rich_one", RICH), site=site).values(), *skeleton.entries(site)), site)
    for name in ("rich", "Rich.Go", "rich-window", "old-style", "shell"):
        said = subprocess.check_output([tmp_path / "env/bin" / name], text=True)
        assert said == ("shell\n" if name == "shell" else "hello from rich_one\n")
    python = tmp_path / "env/bin/python"
    assert subprocess.check_output([python, "-c", ASK], text=True) == "1.0 True\n"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "check"], check=True, capture_output=True)
    subprocess.run([*pip, "uninstall", "--yes", "rich-one"], check=True, capture_output=True)
    left = [
        name
        for name in tree(tmp_path / "env")
        if not name.startswith("bin/") and name not in ("lib64", "pyvenv.cfg")
    ]
    assert left == []


def test_record_lists_every_file_with_its_hash(tmp_path):
    found = by_path(wheel(tmp_path, "rich_one", RICH))
    record = f"{PACKAGES}/rich_one-1.0.dist-info/RECORD"
    rows = {row[0]: row[1:] for row in csv.reader(read(found[record]).decode().splitlines())}
    files = [path for path, entry in found.items() if entry.kind == "file"]
    assert {os.path.relpath(path, PACKAGES) for path in files} == set(rows)
    assert list(rows) == sorted(rows)
    for path in files:
        if path != record:
            content = read(found[path])
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert rows[os.path.relpath(path, PACKAGES)] == [f"sha256={digest}", str(len(content))]


def test_folders_are_all_there_and_times_are_one(tmp_path):
    entries = wheels.contents([wheel(tmp_path, "rich_one", RICH)], SITE).entries
    assert [e.path for e in entries] == sorted((e.path for e in entries), key=str.encode)
    folders = {entry.path for entry in entries if entry.kind == "folder"}
    assert {"opt", "opt/env", "opt/env/lib"} <= folders
    assert {e.path.rpartition("/")[0] for e in entries} - {""} <= folders
    assert {e.mode for e in entries} == {0o755, 0o644}
    assert {(e.mtime, e.uid, e.gid) for e in entries} == {(946684800, 0, 0)}


def test_of_two_files_with_one_path_the_later_name_wins_and_is_told(tmp_path):
    shared = {"shared/__init__.py": "", "shared/x.py": "x = 1\n"}
    first = wheel(tmp_path, "aaa", shared)
    second = wheel(tmp_path, "bbb", {**shared, "shared/x.py": "x = 2\n"})
    for order in ((first, second), (second, first)):
        made = wheels.contents(order, SITE)
        assert read({e.path: e for e in made.entries}[f"{PACKAGES}/shared/x.py"]) == b"x = 2\n"
        assert made.notes == (f"both aaa and bbb bring {PACKAGES}/shared/x.py; it is bbb's",)


def test_a_file_of_one_wheel_cannot_be_a_folder_of_another(tmp_path):
    made = [wheel(tmp_path, "aaa", {"x": "file"}), wheel(tmp_path, "bbb", {"x/y.py": ""})]
    with pytest.raises(CellError, match=r"aaa brings .*/x as a file, and bbb files below it"):
        wheels.contents(made, SITE)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"../evil.py": ""}, "not a name"),
        ({"a/../../evil.py": ""}, "not a name"),
        ({"/etc/evil": ""}, "not a name"),
        ({"a//b": ""}, "not a name"),
        ({"a\nb": ""}, "not a name"),
        ({"link": ("/etc/passwd", 0o120777)}, "neither a file nor a folder"),
        ({"pipe": ("", 0o010644)}, "neither a file nor a folder"),
        ({"bad-1.0.data/nowhere/x": ""}, "no place to go"),
        ({"bad-1.0.data/scripts": ""}, "no place to go"),
        ({"other-1.0.dist-info/METADATA": ""}, "is not the metadata of bad"),
        ({"{facts}/WHEEL": "Wheel-Version: 2.0\n"}, "not a wheel of format 1"),
        ({"{facts}/RECORD": "only,two\n"}, "RECORD cannot be read"),
        ({"{facts}/entry_points.txt": "[console_scripts]\n../../x = a:b\n"}, "no program can be made"),
        ({"{facts}/entry_points.txt": "[console_scripts]\nx = os; print(1) #:b\n"}, "no program can be made"),
        ({"{facts}/entry_points.txt": "[console_scripts]\nx = a\n"}, "no program can be made"),
        ({"{facts}/entry_points.txt": "x = a:b\n"}, "entry points cannot be read"),
    ],
)
def test_hostile_wheels_are_refused(tmp_path, files, why):
    with pytest.raises(CellError, match=why) as caught:
        wheels.contents([wheel(tmp_path, "bad", files)], SITE)
    assert "bad-1.0-py3-none-any.whl" in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path):
    pin, path = wheel(tmp_path, "bad", {"a.py": "1"})
    with zipfile.ZipFile(path, "a") as archive:
        put(archive, "a.py", b"2")
    with pytest.raises(CellError, match=r"a\.py is in it twice"):
        wheels.contents([(pin, path)], SITE)


def test_a_wheel_of_another_name_is_refused(tmp_path):
    _, path = wheel(tmp_path, "good", {})
    with pytest.raises(CellError, match="is not the metadata of bad"):
        wheels.contents([(pin_of(path, "bad"), path)], SITE)


def test_what_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    path.write_bytes(b"PK nothing")
    with pytest.raises(CellError, match="not a zip file"):
        wheels.contents([(pin_of(path, "bad"), path)], SITE)


@pytest.mark.parametrize("size", [5_000, 9_000_000], ids=["small", "large"])
@pytest.mark.parametrize("field", ["crc", "size", "bytes", "name"])
def test_a_damaged_file_is_refused_when_it_is_read(tmp_path, size, field):
    content = os.urandom(size // 2) + bytes(size - size // 2)
    pin, path = wheel(tmp_path, "bad", {"a.bin": content})
    damaged = bytearray(path.read_bytes())
    in_directory = damaged.rindex(b"a.bin", 0, damaged.rindex(b"PK\x05\x06")) - 46
    if damaged[in_directory : in_directory + 4] != b"PK\x01\x02":  # RECORD names it too
        in_directory = damaged.index(b"PK\x01\x02", 0)
        while damaged[in_directory + 46 : in_directory + 51] != b"a.bin":
            in_directory = damaged.index(b"PK\x01\x02", in_directory + 1)
    own = damaged.index(b"a.bin")
    if field == "crc":
        damaged[in_directory + 16] ^= 1
    elif field == "size":
        struct.pack_into("<I", damaged, in_directory + 24, size - 1000)
    elif field == "bytes":
        damaged[own + 1000] ^= 1
    else:
        damaged[own] ^= 1
    path.write_bytes(damaged)
    entry = by_path((pin, path))[f"{PACKAGES}/a.bin"]
    with pytest.raises(CellError, match=r"damaged|cut off|something else lies"):
        list(entry.content())


def test_content_outlives_its_file(tmp_path):
    pin, path = wheel(tmp_path, "a", {"a.py": "a = 1\n"})
    entry = by_path((pin, path))[f"{PACKAGES}/a.py"]
    path.unlink()
    assert read(entry) == read(entry) == b"a = 1\n"
