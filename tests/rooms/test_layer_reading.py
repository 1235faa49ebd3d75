"""A tar says the same, whoever wrote it; what is no whole tar, or leads out, is refused."""

import io
import random
import subprocess
import tarfile

import pytest
from layer_trees import CAPABILITY, EPOCH, OLD, file, folder, foreign, gone, hardlink, seen, symlink

from builder.errors import OutsideError
from builder.layer import archive
from builder.layer.listing import Listing, listing
from builder.layer.reading import OPAQUE, entries
from builder.layer.writing import write

FORMS = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "ustar": tarfile.USTAR_FORMAT}
LONG = "x" * 90 + "/" + "y" * 90
TREE = (
    folder("a"),
    file(f"a/{LONG}", b"z" * 2000),
    hardlink("b", f"a/{LONG}"),
    symlink("c", "/a"),
    gone("a/d"),
)


@pytest.mark.parametrize("prefix", ["", "./", "/"])
@pytest.mark.parametrize("form", FORMS)
def test_every_format_says_the_same(tmp_path, form, prefix):
    tree = TREE if form != "ustar" else (*TREE[:2], *TREE[3:])  # its links' targets are short
    tar = foreign(tmp_path / "x.tar", *tree, form=FORMS[form], prefix=prefix)
    assert seen(tar) == seen(tree)


def test_what_only_pax_and_gnu_can_say(tmp_path):
    tree = (file("n" * 300, uid=5_000_000), file("\u00e9", mtime=EPOCH), symlink("s", "t" * 300))
    assert seen(foreign(tmp_path / "gnu.tar", *tree)) == seen(tree)
    assert seen(foreign(tmp_path / "pax.tar", *tree, form=tarfile.PAX_FORMAT)) == seen(tree)


def test_of_extended_attributes_the_capability_is_kept(tmp_path):
    tree = (file("ping", capability=CAPABILITY), file("plain"))
    assert seen(foreign(tmp_path / "x.tar", *tree, form=tarfile.PAX_FORMAT)) == seen(tree)


def test_the_tar_program_s_formats_are_read(tmp_path):
    (tmp_path / "t/sub").mkdir(parents=True)
    (tmp_path / "t/sub" / ("n" * 200)).write_bytes(b"1" * 700)
    (tmp_path / "t/\u00e9").write_bytes(b"2")
    read = []
    for form in ("gnu", "pax", "posix", "oldgnu"):
        tar = tmp_path / f"{form}.tar"
        subprocess.run(["tar", "-cf", tar, "-C", tmp_path / "t", f"--format={form}", "."], check=True)
        read.append({path: (entry.kind, entry.content) for path, entry in seen(tar).items()})
    assert read[0] == {
        "sub": ("folder", b""),
        f"sub/{'n' * 200}": ("file", b"1" * 700),
        "\u00e9": ("file", b"2"),
    }
    assert all(one == read[0] for one in read)


def test_an_opaque_folder_is_a_whiteout_of_all(tmp_path):
    tar = foreign(tmp_path / "x.tar", folder("a"), file("a/.wh..wh..opq", b""), file("a/.wh..wh.aufs", b""))
    assert [(entry.path, entry.kind) for entry in entries(tar)] == [
        ("a", "folder"),
        (f"a/{OPAQUE}", "whiteout"),
    ]


def test_contents_are_read_when_they_are_asked_for(tmp_path):
    tar = foreign(tmp_path / "x.tar", file("a", b"1" * 3_000_000), file("b", b"2"))
    read = {entry.path: entry for entry in entries(tar)}
    tar.unlink()
    assert b"".join(read["a"].content()) == b"1" * 3_000_000
    assert b"".join(read["b"].content()) == b"2"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/..", "d/" * 300 + "x"])
def test_a_path_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(OutsideError, match=name.split("/x")[0][:20]):
        entries(foreign(tmp_path / "x.tar", file(name)))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused_but_not_in_a_base(tmp_path, kind):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        member = tarfile.TarInfo("dev/thing")
        member.type = kind
        tar.addfile(member)
    with pytest.raises(OutsideError, match="dev/thing"):
        entries(tmp_path / "x.tar")
    assert set(listing([tmp_path / "x.tar"]).paths) == {"dev", "dev/thing"}


def test_what_is_no_whole_tar_is_refused(tmp_path):
    whole = foreign(
        tmp_path / "x.tar", file("a", b"1" * 5000), file("b"), form=tarfile.PAX_FORMAT
    ).read_bytes()
    broken = tmp_path / "broken.tar"
    end = whole.rindex(b"ustar") + 1024
    for cut in (0, 100, 1024, 3000, end):
        broken.write_bytes(whole[:cut])
        with pytest.raises(OutsideError, match="cut short"):
            entries(broken)
    flipped = bytearray(whole)
    flipped[whole.rindex(b"ustar") - 200] ^= 1
    broken.write_bytes(flipped)
    with pytest.raises(OutsideError, match="checksum"):
        entries(broken)


def test_damaged_bytes_never_end_in_another_error(tmp_path):
    tree = (file("n" * 200), file("\u00e9", capability=CAPABILITY), folder("f"), hardlink("h", "\u00e9"))
    whole = foreign(tmp_path / "x.tar", *tree, form=tarfile.PAX_FORMAT).read_bytes()
    chance = random.Random(1)  # noqa: S311 - the same damage every time
    for _ in range(500):
        broken = bytearray(whole)
        for _ in range(3):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (tmp_path / "broken.tar").write_bytes(broken)
        try:
            entries(tmp_path / "broken.tar")
        except OutsideError:
            continue


def test_the_number_of_paths_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    tar = foreign(tmp_path / "x.tar", *(file(f"f{number}") for number in range(4)))
    with pytest.raises(OutsideError, match="more than 3 paths"):
        entries(tar)


def test_sparse_files_are_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("sparse")
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        tar.addfile(member, io.BytesIO(b""))
    with pytest.raises(OutsideError, match="sparse"):
        entries(tmp_path / "x.tar")


def stack(tmp_path, *layers):
    tars = [foreign(tmp_path / f"{number}.tar", *layer) for number, layer in enumerate(layers)]
    return listing(tars)


def test_a_listing_is_what_a_container_sees(tmp_path):
    merged = stack(
        tmp_path,
        [
            folder("a"),
            file("a/1"),
            file("a/2"),
            folder("b"),
            file("b/1"),
            symlink("lib", "usr/lib"),
            file("usr/lib/x"),
        ],
        [gone("a/1"), folder("b"), gone(f"b/{OPAQUE}"), file("b/2"), file("lib/y", mode=0o600)],
        [file("a"), hardlink("z", "lib/y")],
    )
    assert {path: entry.kind for path, entry in merged.paths.items()} == {
        "a": "file",
        "b": "folder",
        "b/2": "file",
        "lib": "symlink",
        "usr": "folder",
        "usr/lib": "folder",
        "usr/lib/x": "file",
        "usr/lib/y": "file",
        "z": "file",
    }
    assert merged.paths["z"].mode == 0o600
    assert merged.paths["usr"].mode == 0o755


def test_a_listing_goes_on_from_another(tmp_path):
    below = stack(tmp_path, [file("a/1")])
    above = listing([write((gone("a/1"), file("b")), tmp_path).path], below)
    assert set(above.paths) == {"a", "b"}
    assert set(below.paths) == {"a", "a/1"}


def test_links_on_the_way_change_with_the_layers(tmp_path):
    first = [folder("one"), folder("two"), symlink("way", "step"), symlink("step", "one"), file("way/1")]
    merged = stack(
        tmp_path, first, [symlink("step", "../../two"), file("way/2")], [folder("step"), file("way/3")]
    )
    assert {"one/1", "two/2", "step/3"} < set(merged.paths)


def test_links_in_a_circle_are_refused(tmp_path):
    with pytest.raises(OutsideError, match="circle"):
        stack(tmp_path, [symlink("a", "b"), symlink("b", "a"), file("a/x")])


def test_nothing_is_seen_in_nothing():
    assert listing([]) == Listing(paths={})
    assert OLD < EPOCH
