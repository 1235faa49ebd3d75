"""Whatever way an engine took to a state, squashing gives the entries of that state, and the same bytes."""

import itertools
import tarfile
from dataclasses import replace

import pytest
from layer_trees import CAPABILITY, EPOCH, OLD, content, file, folder, foreign, gone, hardlink, seen, symlink

from builder.errors import OutsideError
from builder.layer.listing import Listing, listing
from builder.layer.reading import OPAQUE
from builder.layer.rules import TABLE, Rules
from builder.layer.squash import squash
from builder.layer.writing import write

RULES = Rules(epoch=EPOCH)
NO_RULES = Rules(epoch=EPOCH, table=())
BASE = (
    folder("bin"),
    file("bin/sh", mode=0o755),
    folder("etc"),
    file("etc/hosts", b""),
    file("etc/passwd"),
    folder("usr/lib", mode=0o750),
    file("usr/lib/a"),
    file("usr/lib/b"),
    folder("usr/lib/sub"),
    file("usr/lib/sub/c"),
    symlink("lib", "usr/lib"),
    file("var/log/dpkg.log"),
    folder("tmp", mode=0o1777),
)


class Stack:
    """Layers above `BASE`, as files."""

    def __init__(self, tmp_path, base=BASE):
        self.folder = tmp_path
        self.count = itertools.count()
        self.below = listing([foreign(tmp_path / "base.tar", *base)])

    def squash(self, *layers, rules=NO_RULES, form=tarfile.GNU_FORMAT):
        """Without the base's folders on the way, which are there for the engine's sake."""
        made = self.whole(*layers, rules=rules, form=form)
        return tuple(entry for entry in made if not self.is_below(entry))

    def is_below(self, entry):
        lower = self.below.paths.get(entry.path)
        return lower is not None and replace(entry, mtime=0) == replace(lower, mtime=0)

    def whole(self, *layers, rules=NO_RULES, form=tarfile.GNU_FORMAT):
        tars = [foreign(self.folder / f"{next(self.count)}.tar", *layer, form=form) for layer in layers]
        return squash(tars, self.below, rules)


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


def kinds(entries):
    return {entry.path: entry.kind for entry in entries}


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


# ------------------------------------------------------------------------------------------------ the rules


def test_mount_points_of_engines_are_left_out(stack):
    stubs = [
        *(
            folder(path)
            for path in ("dev", "proc", "sys", "dev/pts", "run", "run/secrets", "inputs", "inputs/debs")
        ),
        *(file(path, b"") for path in ("dev/console", ".dockerenv", "run/.containerenv", "etc/hosts")),
        *(file(path, b"") for path in ("etc/resolv.conf", "etc/hostname")),
    ]
    assert kinds(stack.squash(stubs, rules=RULES)) == {"run": "folder"}
    assert set(kinds(stack.squash(stubs))) > {"dev", "inputs", "etc/resolv.conf"}


def test_what_is_no_mere_mount_point_stays(stack):
    real = [
        file("etc/hosts", b"127.0.0.1 x\n"),
        folder("inputs"),
        file("inputs/kept", b"x"),
        file("device", b""),
    ]
    assert set(kinds(stack.squash(real, rules=RULES))) == {"etc/hosts", "inputs", "inputs/kept", "device"}


def test_a_file_of_the_base_that_was_emptied_stays_so(tmp_path):
    based = Stack(tmp_path, (folder("etc"), file("etc/hosts", b"from the base")))
    assert kinds(based.squash([file("etc/hosts", b"")], rules=RULES)) == {"etc/hosts": "file"}


VOLATILE = [
    "var/lib/apt/lists/deb.debian.org_dists",
    "var/cache/apt/pkgcache.bin",
    "var/cache/apt/archives/lock",
    "var/cache/debconf/config.dat-old",
    "var/lib/dpkg/status-old",
    "var/cache/ldconfig/aux-cache",
    "var/log/dpkg.log",
    "var/log/apt/history.log",
    "var/log/dnf.librepo.log",
    "var/log/lastlog",
    "var/lib/dnf/history.sqlite",
    "var/lib/yum/history/2026",
    "var/cache/dnf/x/y",
    "var/cache/fontconfig/x",
    "run/lock/x",
    "tmp/x",
    "var/tmp/x",
    "root/.cache/pip/x",
    "etc/passwd-",
    "etc/subgid-",
]


@pytest.mark.parametrize("path", VOLATILE)
def test_volatile_content_is_left_out(tmp_path, path):
    parent = path.rpartition("/")[0]
    bare = Stack(tmp_path, (folder("etc"),))
    made = bare.squash([file(path)], rules=RULES)
    assert path not in kinds(made)
    assert kinds(bare.squash([file(path)]))[path] == "file"
    based = Stack(tmp_path, (folder(parent), file(path, b"base")))
    assert based.squash([file(path, b"ours")], rules=RULES) == ()
    assert kinds(based.squash([gone(path)], rules=RULES)) == {path: "whiteout"}


@pytest.mark.parametrize(
    "path", ["var/lib/apt/extended_states", "var/log/journal", "etc/passwd", "var/lib/dpkg/status"]
)
def test_what_only_looks_volatile_stays(stack, path):
    assert path in kinds(stack.squash([file(path, b"changed\n")], rules=RULES))


def test_no_password_was_changed_after_the_epoch(stack):
    day = EPOCH // 86400
    shadow = f"root:*:{day - 3}:0:99999:7:::\napp:!:{day + 30}:0:99999:7:::\nodd\nnone:!::0:::::\n".encode()
    clamped = f"root:*:{day - 3}:0:99999:7:::\napp:!:{day}:0:99999:7:::\nodd\nnone:!::0:::::\n".encode()
    made = stack.squash([file("etc/shadow", shadow, mode=0o640, gid=42)], rules=RULES)
    assert [(content(entry), entry.size, entry.mode, entry.gid) for entry in made] == [
        (clamped, len(clamped), 0o640, 42)
    ]


def test_a_shadow_file_from_before_computers_keeps_its_length_right(stack, tmp_path):
    rules = Rules(epoch=86400 * 5)
    made = stack.squash([file("etc/shadow", b"app:!:20000:0:::::\n")], rules=rules)
    assert content(made[0]) == b"app:!:5:0:::::\n"
    write(made, tmp_path)


def test_the_machine_id_is_nobody_s(tmp_path):
    random = file("etc/machine-id", b"0123456789abcdef0123456789abcdef\n", mode=0o444)
    made = seen(Stack(tmp_path, (folder("etc"),)).squash([random], rules=RULES))["etc/machine-id"]
    assert (made.content, made.size, made.mode) == (b"", 0, 0o444)
    assert Stack(tmp_path, (file("etc/machine-id", b""),)).squash([random], rules=RULES) == ()


def test_every_rule_has_a_reason():
    assert all(rule.reason and rule.globs for rule in TABLE)


def test_no_layers_are_no_entries():
    assert squash([], Listing(), RULES) == ()
