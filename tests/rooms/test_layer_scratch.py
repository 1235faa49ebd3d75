"""Folders for work in progress: each one's own while it works, and gone afterwards, whatever happened."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.layer.scratch import scratch

HOLD = """
import sys
from pathlib import Path
from builder.layer.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("made")
    print(folder, flush=True)
    sys.stdin.readline()
"""


def left(root):
    return [path for path in root.glob("*") if path.name != ".lock"]


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a folder until its input is closed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        yield process, Path(process.stdout.readline().strip()) / "half"
        process.kill()


def test_a_folder_is_empty_and_gone_at_the_end(tmp_path):
    with scratch(tmp_path / "new") as folder:
        assert list(folder.iterdir()) == []
        (folder / "deep").mkdir()
        (folder / "deep/file").write_text("x")
    assert left(tmp_path / "new") == []


def test_it_is_gone_after_a_failure_too(tmp_path):
    with pytest.raises(IsADirectoryError), scratch(tmp_path) as folder:
        folder.write_text("x")
    assert left(tmp_path) == []


def test_many_at_once_keep_out_of_each_others_way(tmp_path):
    """All of them hold theirs while others begin and end."""
    all_here, gone = threading.Barrier(8), threading.Barrier(8)

    def work(number):
        with scratch(tmp_path) as folder:
            (folder / "mine").write_text(str(number))
            all_here.wait(30)
            with scratch(tmp_path) as second:  # looks for forgotten ones
                assert second != folder
            gone.wait(30)
            return folder, (folder / "mine").read_text()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert [text for _, text in found] == [str(number) for number in range(8)]
    assert len({folder for folder, _ in found}) == 8
    assert left(tmp_path) == []


def test_what_another_process_holds_stays(tmp_path, holder):
    process, theirs = holder
    with scratch(tmp_path):
        assert theirs.read_text() == "made"
    process.communicate("")
    assert left(tmp_path) == []


def test_what_a_killed_process_left_goes_with_the_next(tmp_path, holder):
    process, theirs = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert theirs.read_text() == "made"
    with scratch(tmp_path):
        assert not theirs.exists()
        assert len(left(tmp_path)) == 1
