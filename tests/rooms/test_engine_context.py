"""Build contexts as tars, and the frames of an attached container."""

import tarfile
import threading
from io import BytesIO

import pytest

from builder.engine import context
from builder.engine.api import Entry
from builder.engine.attaching import Output
from builder.errors import InterruptedByUserError

NEVER = threading.Event()


def test_the_tar_is_ustar_or_gnu_with_integer_times_and_sorted(tmp_path):
    wheel = tmp_path / "wheel"
    wheel.write_bytes(b"w" * 700)
    entries = (
        Entry(path="env/wheels/" + "long" * 50, content=wheel),
        Entry(path="Dockerfile", content=b"FROM x\n"),
        Entry(path="tools/uv", content=b"u", mode=0o755),
    )
    raw = b"".join(context.stream(entries, NEVER))
    assert raw[257:262] == b"ustar"
    assert b"PaxHeader" not in raw
    with tarfile.open(fileobj=BytesIO(raw)) as tar:
        members = tar.getmembers()
        assert [each.name for each in members] == [
            *("env", "env/wheels", "tools", "Dockerfile"),
            *("env/wheels/" + "long" * 50, "tools/uv"),
        ]
        assert {each.mtime for each in members} == {315532800}
        assert [each.mode for each in members if each.name == "tools/uv"] == [0o755]
        assert tar.extractfile("env/wheels/" + "long" * 50).read() == b"w" * 700
    assert raw == b"".join(context.stream(entries[::-1], NEVER))


def test_a_large_file_is_read_piece_by_piece(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(10 * context.PIECE)
    pieces = list(context.stream((Entry(path="large", content=large),), NEVER))
    assert max(map(len, pieces)) == context.PIECE
    assert sum(map(len, pieces)) == 512 + 10 * context.PIECE + tarfile.RECORDSIZE


def test_a_file_that_shrinks_is_an_error(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)
    pieces = context.stream((Entry(path="file", content=file),), NEVER)
    next(pieces)
    file.write_bytes(b"x")
    with pytest.raises(OSError, match="shorter"):
        list(pieces)


def test_an_interruption_ends_the_stream():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(InterruptedByUserError):
        list(context.stream((Entry(path="x", content=b"y"),), cancel))


def frame(stream: int, content: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000])
def test_frames_torn_anywhere_come_apart(size):
    given: list[bytes] = []
    output = Output(given.append, limit=1000)
    raw = frame(1, b"out") + frame(2, b"err") + frame(1, b"") + frame(1, b"put")
    for at in range(0, len(raw), size):
        output.feed(raw[at : at + size])
    assert (bytes(output.stdout), bytes(output.stderr)) == (b"output", b"err")
    assert b"".join(given) == b"output"
    assert not output.flooded


def test_more_than_the_limit_is_a_flood():
    given: list[bytes] = []
    output = Output(given.append, limit=4)
    output.feed(frame(1, b"four") + frame(2, b"x" * 70_000))
    assert not output.flooded
    assert len(output.stderr) == 64 * 1024
    output.feed(frame(1, b"more"))
    assert output.flooded
    assert (bytes(output.stdout), given) == (b"four", [b"four"])
