"""Layers out of the archives that engines hand out, whatever these look like."""

import gzip
import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
from engine_daemon import Answer, lines, serve

from builder.engine import connect
from builder.errors import OutsideError

sys.path.append(str(Path(__file__).parents[1] / "real"))
from engine_layers import layer, tar

BASE, ONE, TWO = (tar({name: name.encode() * 5000}) for name in ("base", "one", "two"))

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def daemon():
    folder = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))
    with serve(folder) as found:
        yield found
    shutil.rmtree(folder)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def digest(folder: Path, content: bytes) -> str:
    return layer(folder, content).diff_id


def save(daemon, out, members, *, own=(ONE, TWO), skip=(BASE,)):
    """Save an image of which the engine hands out `members`: (name, content or link's target)."""
    layers = [digest(out.parent, content) for content in (BASE, *own)]
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    body = written.getvalue()
    pieces = tuple(body[at : at + 7000] for at in range(0, len(body), 7000))
    daemon.answers["/images/x/json"] = lines({"Id": "sha256:1", "RootFS": {"Layers": layers}})
    daemon.answers["/images/x/get"] = Answer(pieces=pieces)
    engine = connect(daemon.address)
    try:
        return engine.save("x", tuple(digest(out.parent, content) for content in skip), out)
    finally:
        engine.close()


def blob(folder: Path, content: bytes) -> str:
    return f"blobs/sha256/{digest(folder, content)[7:]}"


def test_docker_2010s_folders(daemon, out):
    members = [("2/layer.tar", TWO), ("1/layer.tar", ONE), ("0/layer.tar", BASE), ("manifest.json", b"[]")]
    found = save(daemon, out, [("2/VERSION", b"1.0"), ("3/layer.tar", "../1/layer.tar"), *members])
    assert [each.path.read_bytes() for each in found] == [ONE, TWO]
    assert [each.size for each in found] == [len(ONE), len(TWO)]
    assert [each.diff_id for each in found] == [digest(out.parent, ONE), digest(out.parent, TWO)]
    assert len(list(out.iterdir())) == 2, "neither the base's layer nor anything unfinished stays"


def test_blobs_by_their_digest(daemon, out):
    members = [(blob(out.parent, content), content) for content in (TWO, BASE, ONE)]
    assert [each.path.read_bytes() for each in save(daemon, out, members)] == [ONE, TWO]


def test_compressed_blobs(daemon, out):
    members = [
        (f"blobs/sha256/{number}", gzip.compress(each)) for number, each in enumerate((ONE, BASE, TWO))
    ]
    assert [each.path.read_bytes() for each in save(daemon, out, members)] == [ONE, TWO]


def test_the_same_layer_twice(daemon, out):
    found = save(daemon, out, [("0/layer.tar", BASE), ("1/layer.tar", ONE)], own=(ONE, ONE))
    assert [each.path.read_bytes() for each in found] == [ONE, ONE]


def test_names_become_no_paths(daemon, out):
    members = [("../../evil", b"x" * 9000), ("/tmp/evil", TWO), ("../layer.tar", ONE), ("a", "/etc")]
    found = save(daemon, out, members)
    assert {each.path.parent for each in found} == {out}
    assert {path.name for path in out.iterdir()} == {each.path.name for each in found}
    assert not list(out.parent.parent.glob("**/evil"))


def test_a_layer_that_is_another_is_a_failure_and_leaves_nothing(daemon, out):
    with pytest.raises(OutsideError, match="no layer"):
        save(daemon, out, [("1/layer.tar", ONE), (blob(out.parent, TWO), TWO + b"\0")])
    assert list(out.iterdir()) == []


def test_an_image_with_another_base_is_a_failure(daemon, out):
    with pytest.raises(OutsideError, match="does not begin"):
        save(daemon, out, [], skip=(ONE,))
    with pytest.raises(OutsideError, match="does not begin"):
        save(daemon, out, [], own=(), skip=(BASE, ONE))


def test_nothing_above_the_base_needs_no_archive(daemon, out):
    assert save(daemon, out, [], own=()) == ()
    assert daemon.to("/images/x/get") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x28\xb5\x2f\xfd" + b"x" * 900, "zstd"), (gzip.compress(ONE)[:-20], "cannot be read")],
    ids=["zstd", "cut short"],  # not of the content: gzip writes the time into it
)
def test_what_cannot_be_read_is_told(daemon, out, content, words):
    with pytest.raises(OutsideError, match=words):
        save(daemon, out, [("1/layer.tar", ONE), ("blobs/sha256/0", content)])
    assert list(out.iterdir()) == []
