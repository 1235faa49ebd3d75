"""Two layers that differ say where, and why, in a few words."""

import pytest
from layer_trees import CAPABILITY, file, folder, gone, symlink

from builder.layer.difference import Difference, differences
from builder.layer.writing import write

SAME = (folder("a"), file("a/b"), symlink("s", "a"), gone("x"))


def found(tmp_path, one, other):
    first, second = write((*SAME, *one), tmp_path), write((*SAME, *other), tmp_path)
    return [(one.path, one.what, one.why) for one in differences(first, second.path)]


def test_equal_layers_have_no_difference(tmp_path):
    assert found(tmp_path, (), ()) == []


@pytest.mark.parametrize(
    ("one", "other", "what", "why"),
    [
        (file("p", mode=0o600), file("p"), "mode", "0600 and 0644"),
        (file("p", uid=1), file("p", gid=2), "owner", "1:0 and 0:2"),
        (file("p", mtime=1), file("p", mtime=2), "time", "1 and 2"),
        (symlink("p", "a"), symlink("p", "b"), "target", "a and b"),
        (file("p"), file("p", capability=CAPABILITY), "capability", f"none and {CAPABILITY.hex()}"),
        (file("p"), folder("p"), "kind", "file and folder"),
        (
            file("p", b"1\nab\n"),
            file("p", b"1\nac\n"),
            "content",
            "first differs at byte 3, line 2: 'ab' and 'ac'",
        ),
        (file("p", b"\0\1\2"), file("p", b"\0\1\3"), "content", "first differs at byte 2"),
        (file("p.pyc", b"\0\1"), file("p.pyc", b"\0\2"), "content", "byte code differs, first at byte 1"),
        (
            file("p", b"\x1f\x8b1"),
            file("p", b"\x1f\x8b2"),
            "content",
            "packed content (gzip) differs, first at byte 2",
        ),
    ],
)
def test_each_kind_of_difference_is_told(tmp_path, one, other, what, why):
    assert found(tmp_path, (one,), (other,)) == [("p.pyc" if "pyc" in one.path else "p", what, why)]


def test_a_path_of_one_layer_alone(tmp_path):
    assert found(tmp_path, (file("1"),), (folder("2"),)) == [
        ("1", "presence", "file, only in the first"),
        ("2", "presence", "folder, only in the second"),
    ]


def test_a_difference_far_into_a_large_file(tmp_path):
    text = b"the same line\n" * 200_000
    longer = text + b"one more\n"
    assert found(tmp_path, (file("big", text),), (file("big", longer),)) == [
        ("big", "size", f"{len(text)} and {len(longer)} bytes"),
        ("big", "content", f"first differs at byte {len(text)}, line 200001: '' and 'one more'"),
    ]


def test_long_lines_are_cut(tmp_path):
    (only,) = found(tmp_path, (file("l", b"x" * 9000 + b"a"),), (file("l", b"x" * 9000 + b"b"),))
    assert len(only[2]) < 250


def test_differences_are_in_the_order_of_paths(tmp_path):
    first = write((file("b"), file("a", uid=1, mode=0)), tmp_path)
    second = write((file("a"),), tmp_path)
    assert differences(first, second) == (
        Difference(path="a", what="mode", why="0000 and 0644"),
        Difference(path="a", what="owner", why="1:0 and 0:0"),
        Difference(path="b", what="presence", why="file, only in the first"),
    )
