"""Whatever way an engine took to a state, squashing gives the entries of that state, and the same bytes."""

import tarfile
from dataclasses import replace

import pytest
from layer_stacks import RULES, Stack, kinds
from layer_trees import CAPABILITY, EPOCH, OLD, file, folder, gone, hardlink, seen, symlink

from builder.errors import OutsideError
from builder.layer.listing import Listing, listing
from builder.layer.reading import OPAQUE
from builder.layer.squash import squash
from builder.layer.writing import write


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


def test_the_later_layer_wins(stack):
    made = seen(stack.squash([file("x", b"1"), file("y")], [file("x", b"2", mode=0o600)]))
    assert (made["x"].content, made["x"].mode, set(made)) == (b"2", 0o600, {"x", "y"})


def test_what_came_and_went_leaves_nothing(stack):
    assert stack.squash([folder("new"), file("new/x"), file("y")], [gone("new"), gone("y")]) == ()


def test_what_is_gone_from_below_is_a_whiteout(stack):
    assert kinds(stack.squash([gone("bin/sh"), gone("never")], [gone("usr/lib/sub")])) == {
        "bin/sh": "whiteout",
        "usr/lib/sub": "whiteout",
    }


def test_what_went_and_came_back_needs_no_whiteout(stack):
    assert kinds(stack.squash([gone("bin/sh")], [file("bin/sh")])) == {"bin/sh": "file"}
    assert kinds(stack.squash([gone("bin/sh")], [folder("bin/sh")])) == {"bin/sh": "folder"}
    assert kinds(stack.squash([file("usr/lib")])) == {"usr/lib": "file"}


def test_an_opaque_folder_is_its_explicit_whiteouts(stack):
    new = [folder("usr/lib", mode=0o750), file("usr/lib/b", b"new")]
    opaque = stack.squash([*new, gone(f"usr/lib/{OPAQUE}")])
    explicit = stack.squash([gone("usr/lib/a"), gone("usr/lib/sub"), *new])
    in_two_steps = stack.squash([gone("usr/lib")], new)
    assert seen(opaque) == seen(explicit) == seen(in_two_steps)
    assert kinds(opaque) == {"usr/lib/a": "whiteout", "usr/lib/b": "file", "usr/lib/sub": "whiteout"}


def test_an_opaque_folder_in_place_of_a_link_hides_nothing_else(stack):
    made = stack.squash([folder("lib"), gone(f"lib/{OPAQUE}"), file("lib/x")])
    assert kinds(made) == {"lib": "folder", "lib/x": "file"}


def test_an_opaque_folder_hides_earlier_layers_too(stack):
    made = stack.squash([folder("d"), file("d/1")], [folder("d"), gone(f"d/{OPAQUE}"), file("d/2")])
    assert kinds(made) == {"d": "folder", "d/2": "file"}


def test_folders_and_links_that_repeat_what_is_below_are_left_out(stack):
    later = EPOCH - 1
    repeated = [folder("etc", mtime=later), symlink("lib", "usr/lib", mtime=later), file("etc/new")]
    assert kinds(stack.squash(repeated)) == {"etc/new": "file"}
    changed = [folder("etc", uid=1), folder("bin", mode=0o700), symlink("lib", "usr/lib2"), file("bin/sh")]
    assert set(kinds(stack.squash(changed))) == {"etc", "bin", "lib", "bin/sh"}


def test_the_folders_on_the_way_to_a_change_are_as_they_are_below(stack):
    """Docker's overlay2 store makes those that are missing with mode 0755, and shows them so."""
    made = {entry.path: entry for entry in stack.whole([folder("tmp", mode=0o1777), file("usr/lib/sub/d")])}
    assert set(made) == {"usr", "usr/lib", "usr/lib/sub", "usr/lib/sub/d"}
    assert (made["usr/lib"].mode, made["usr/lib"].mtime) == (0o750, OLD)
    removed = stack.whole([folder("usr/lib", mode=0o750, mtime=EPOCH), gone("usr/lib/a")])
    assert [(entry.path, entry.kind) for entry in removed] == [
        ("usr", "folder"), ("usr/lib", "folder"), ("usr/lib/a", "whiteout"),
    ]  # fmt: skip
    assert removed[1].mode == 0o750


def test_paths_through_links_of_the_base_are_written_where_they_lead(stack):
    made = stack.squash([file("lib/x"), hardlink("lib/y", "lib/x"), gone("lib/a")])
    assert kinds(made) == {"usr/lib/a": "whiteout", "usr/lib/x": "file", "usr/lib/y": "hardlink"}
    assert {entry.target for entry in made} == {"", "usr/lib/x"}


def test_folders_that_nobody_names_are_told(stack):
    made = stack.squash([file("opt/x/y")])
    assert [(entry.path, entry.kind, entry.mode, entry.mtime) for entry in made[:2]] == [
        ("opt", "folder", 0o755, EPOCH),
        ("opt/x", "folder", 0o755, EPOCH),
    ]


def test_times_are_clamped_and_whole(stack):
    made = seen(stack.squash([file("old"), file("new", mtime=EPOCH + 9)], form=tarfile.PAX_FORMAT))
    assert (made["old"].mtime, made["new"].mtime) == (OLD, EPOCH)


def test_the_smallest_name_of_a_file_is_the_file(stack):
    some = file("m", b"1", mode=0o755)
    one = stack.squash([some, hardlink("z", "m"), hardlink("b", "m")])
    other = stack.squash([replace(some, path="z"), hardlink("b", "z"), hardlink("m", "b")])
    assert seen(one) == seen(other)
    assert [(entry.path, entry.kind, entry.target) for entry in one] == [
        ("b", "file", ""),
        ("m", "hardlink", "b"),
        ("z", "hardlink", "b"),
    ]


def test_a_name_that_is_replaced_leaves_the_others_their_content(stack):
    made = seen(stack.squash([file("a", b"1"), hardlink("b", "a")], [file("a", b"2")]))
    assert (made["a"].content, made["b"].content, made["b"].kind) == (b"2", b"1", "file")
    assert kinds(stack.squash([file("a", b"1"), hardlink("b", "a")], [gone("a")])) == {"b": "file"}


def test_a_link_to_a_file_of_the_base_is_a_copy(stack):
    made = seen(stack.squash([hardlink("usr/lib/new", "usr/lib/a")]))
    assert {path: (entry.kind, entry.content) for path, entry in made.items()} == {
        "usr/lib/new": ("file", b"content\n")
    }
    with pytest.raises(OutsideError, match="links new to nothing"):
        stack.squash([hardlink("new", "nothing")])


def test_a_file_that_was_opened_and_left_as_it_was_is_left_out(stack):
    """overlayfs copies it up, and only some engines' stores list it then."""
    assert stack.squash([file("usr/lib/a"), file("etc/hosts", b"")]) == ()
    assert kinds(stack.squash([file("usr/lib/a", b"CONTENT\n")])) == {"usr/lib/a": "file"}
    assert kinds(stack.squash([file("usr/lib/a", mtime=OLD + 1)])) == {"usr/lib/a": "file"}
    assert kinds(stack.squash([file("usr/lib/a", mode=0o600)])) == {"usr/lib/a": "file"}


def test_every_format_squashes_to_the_same_bytes(stack, tmp_path):
    layers = [
        [folder("etc"), file("etc/x", b"x" * 5000), hardlink("etc/y", "etc/x"), symlink("s", "etc/x")],
        [gone("bin/sh"), file("opt/" + "n" * 90 + "/" + "m" * 80), gone("s")],
    ]
    forms = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
    made = {write(stack.squash(*layers, form=form, rules=RULES), tmp_path).diff_id for form in forms}
    assert len(made) == 1


def test_squashing_its_own_layer_changes_nothing(stack, tmp_path):
    layers = [
        [file("etc/x"), hardlink("etc/y", "etc/x"), gone("usr/lib")],
        [folder("usr/lib"), file("tmp/t")],
    ]
    once = write(stack.whole(*layers, rules=RULES), tmp_path)
    assert write(squash([once.path], stack.below, RULES), tmp_path) == once
    seen_by_container = set(listing([once.path], stack.below).paths)
    assert "usr/lib/a" not in seen_by_container
    assert {"etc/y", "usr/lib", "bin/sh"} < seen_by_container


def test_the_capability_stays(stack):
    made = stack.squash([file("ping", capability=CAPABILITY)], form=tarfile.PAX_FORMAT)
    assert made[0].capability == CAPABILITY


def test_no_layers_are_no_entries():
    assert squash([], Listing(), RULES) == ()
