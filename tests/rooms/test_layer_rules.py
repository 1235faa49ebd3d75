"""What squashing leaves out of an engine's layers, or makes the same every time."""

import pytest
from layer_stacks import RULES, Stack, kinds
from layer_trees import EPOCH, content, file, folder, gone, seen

from builder.layer.rules import TABLE, Rules
from builder.layer.writing import write


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


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
