"""Files written whole or not at all, and what is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder import files


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"old")
    with pytest.raises(TypeError):
        files.write(tmp_path / "a", "not bytes")  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_no_file_is_written_as_it_is(tmp_path: Path) -> None:
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(pipe, b"told")
    assert os.read(reader, 9) == b"told"
    os.close(reader)
    link.symlink_to(file)
    for content in (b"one", b"two"):
        files.write(link, content)
        assert (link.is_symlink(), file.read_bytes()) == (True, content)
    files.write(Path("/dev/null"), b"lost")
    assert Path("/dev/null").is_char_device()


def test_standard_output_is_written_also_where_it_goes_to_a_file(tmp_path: Path) -> None:
    code = "import pathlib; from builder import files; files.write(pathlib.Path('/dev/stdout'), b'told\\n')"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code + "; print('more')"], stdout=out, check=True)
    assert "more" in (tmp_path / "out").read_text()  # what is there is not put aside for another file


def test_memory_is_a_place_for_files(tmp_path: Path) -> None:
    assert not files.is_stream(Path("/dev/shm/report.xml"))
    assert files.is_stream(Path("/dev/null"))
    assert files.is_stream(Path("/dev/stdout"))
    assert not files.is_stream(tmp_path / "nothing")
