"""Equal entries are equal bytes, and every reader of tars sees in them what was written."""

import random
import subprocess
import sys
import tarfile

import pytest
from layer_trees import (
    CAPABILITY,
    EPOCH,
    OLD,
    content,
    file,
    folder,
    gone,
    hardlink,
    seen,
    sha256,
    symlink,
)

from builder.errors import OutsideError
from builder.layer.headers import Header, blocks
from builder.layer.reading import OPAQUE
from builder.layer.values import Entry
from builder.layer.writing import with_parents, write

LONG = "deep/" + "/".join(["a-folder-of-some-length"] * 12) + "/file.txt"
SPLIT = "x" * 90 + "/" + "y" * 60  # fits USTAR in two parts

TREE = (
    folder("a"),
    file("a.txt", b"", mode=0o4755, uid=3_000_000, gid=4_000_000),
    file("a/b", b"\0" * 1000, mtime=EPOCH),
    file("a-b", b"x" * 512),
    hardlink("a/z", "a-b"),
    symlink("a/link", "../elsewhere/" + "t" * 120),
    file("caf\u00e9", capability=CAPABILITY),
    file("bad\udcff name"),
    file(LONG),
    file(SPLIT),
    gone("a/removed"),
    gone(f"a/{OPAQUE}"),
)


def named(layer):
    with tarfile.open(layer.path, "r:") as tar:
        return [member.name for member in tar]


def test_the_order_of_entries_does_not_matter(tmp_path):
    made = set()
    for seed in range(20):
        shuffled = list(TREE)
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order
        made.add(write(iter(shuffled), tmp_path).diff_id)
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{made.pop().removeprefix('sha256:')}.tar"]


def test_a_layer_is_what_its_name_says(tmp_path):
    layer = write(TREE, tmp_path)
    assert layer.diff_id == f"sha256:{sha256(layer.path)}"
    assert layer.path.name == f"{sha256(layer.path)}.tar"
    assert layer.size == layer.path.stat().st_size
    assert layer.path.read_bytes().endswith(b"\0" * 1024)


def test_the_form_is_fixed_for_good(tmp_path):
    """Another value here makes other image IDs of every lock: `CANONICAL` must change with it."""
    assert write(TREE, tmp_path).diff_id == (
        "sha256:e51e0cefab81f92c38bcdba88d824585ca2dc92537440600773a1488615dea23"
    )


def test_what_is_read_is_what_was_written(tmp_path):
    read = seen(write(TREE, tmp_path).path)
    expected = seen(TREE)
    assert read == expected


def test_the_standard_library_reads_the_same(tmp_path):
    with tarfile.open(write(TREE, tmp_path).path, "r:") as tar:
        members = {member.name: member for member in tar}
        for entry in (entry for entry in TREE if entry.kind == "file"):
            member = members[entry.path]
            assert tar.extractfile(member).read() == content(entry)
            assert (member.mode, member.uid, member.gid, member.mtime) == (
                entry.mode,
                entry.uid,
                entry.gid,
                entry.mtime,
            )
            assert (member.uname, member.gname) == ("", "")
        assert members["a"].isdir()
        assert members["a/link"].linkname == "../elsewhere/" + "t" * 120
        assert (members["a/z"].linkname, members["a/z"].mode) == ("a-b", 0o644)
        assert members["a/.wh.removed"].size == members["a/.wh.removed"].mode == 0
        assert "a/.wh..wh..opq" in members
        text = members["caf\u00e9"].pax_headers["SCHILY.xattr.security.capability"]
        assert text.encode("utf-8", "surrogateescape") == CAPABILITY
        assert [name for name, member in members.items() if member.pax_headers] == [
            "a.txt",
            "a/link",
            "bad\udcff name",
            "caf\u00e9",
            LONG,
        ]


def test_the_tar_program_unpacks_it(tmp_path):
    plain = [entry for entry in TREE if entry.kind != "whiteout"]
    layer = write(plain, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", layer.path, "-C", out, "--no-same-owner"], check=True)
    assert (out / LONG).read_bytes() == (out / SPLIT).read_bytes() == b"content\n"
    assert (out / "a/z").stat().st_ino == (out / "a-b").stat().st_ino
    assert (out / "a/b").stat().st_mtime == EPOCH
    assert "bad\udcff name" in {path.name for path in out.iterdir()}
    again = tmp_path / "again.tar"
    subprocess.run(["tar", "-cf", again, "-C", out, "--format=gnu", "."], check=True)
    assert {path: entry.content for path, entry in seen(again).items() if entry.kind == "file"}[LONG]


def test_a_folder_ends_with_a_slash_and_paths_are_in_the_order_of_their_bytes(tmp_path):
    layer = write((folder("b"), file("b/c"), file("b.c"), file("\u00e9"), folder("a")), tmp_path)
    assert layer.path.read_bytes()[:3] == b"a/\0"
    assert named(layer) == ["a", "b", "b.c", "b/c", "\u00e9"]


def test_times_are_not_later_than_the_clamp(tmp_path):
    read = seen(write((file("old"), file("new", mtime=EPOCH + 5)), tmp_path, clamp=EPOCH).path)
    assert (read["old"].mtime, read["new"].mtime) == (OLD, EPOCH)


def test_parents_that_are_not_listed_are_added(tmp_path):
    made = tuple(with_parents((file("opt/env/lib/x"), folder("opt/env", mode=0o700)), 7, frozenset({"opt"})))
    added = [entry for entry in made if entry.path not in ("opt/env/lib/x", "opt/env")]
    assert [(entry.path, entry.kind, entry.mode, entry.mtime) for entry in added] == [
        ("opt/env/lib", "folder", 0o755, 7)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        (file("/etc/passwd"),),
        (file("a/../b"),),
        (file("./a"),),
        (file("a//b"),),
        (folder(""),),
        (file("a\0b"),),
        (file("a"), folder("a")),
        (file("a"), gone("a")),
        (file("a/.wh.b"),),
        (hardlink("a", "b"), file("b")),
        (hardlink("b", "a"),),
        (file("a", mtime=-1),),
    ],
)
def test_what_cannot_stand_in_a_layer_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"layer|whiteout|hard link"):
        write(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("size", "than"), [(7, "longer"), (9, "shorter")])
def test_content_of_another_length_is_refused(tmp_path, size, than):
    wrong = Entry(path="lib/some.so", kind="file", size=size, content=lambda: iter((b"1234", b"5678")))
    with pytest.raises(OutsideError, match=f"lib/some.so: its content is {than} than the {size} bytes"):
        write((wrong,), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_told_plainly(tmp_path):
    (tmp_path / "in the way").write_text("")
    with pytest.raises(OutsideError, match="no layer can be written to"):
        write((), tmp_path / "in the way")


def test_a_size_that_ustar_cannot_hold_gets_a_record():
    made = blocks(Header(name=b"big", type=b"0", mode=0o644, uid=0, gid=0, size=9 << 30, mtime=0))
    assert b"size=9663676416\n" in made
    assert tarfile.TarInfo.frombuf(made[-512:], "utf-8", "strict").name == "big"


MEMORY = """
import sys, resource
from pathlib import Path
from builder.layer.reading import entries
from builder.layer.writing import write
folder = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
layer = write(entries(folder / "big.tar"), folder / "out")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, layer.size)
"""


def test_memory_does_not_grow_with_the_content(tmp_path):
    """300 MB go through the memory of a few pieces."""
    with (tmp_path / "big.tar").open("wb") as out:
        out.write(blocks(Header(name=b"big", type=b"0", mode=0o644, uid=0, gid=0, size=300 << 20, mtime=0)))
        out.truncate(512 + (300 << 20) + 1024)
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    grown, size = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(size) == 512 + (300 << 20) + 1024
    assert int(grown) < 32
