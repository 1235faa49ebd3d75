"""On a real terminal: the live view, colours, Ctrl-C. And on streams that are closed, full or not UTF-8."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.screens.screens import HERE, ROOT

pytestmark = pytest.mark.slow

ENVBUILD = [sys.executable, "-c", "from builder.cli import main; main()"]
HIDDEN, VISIBLE = "\x1b[?25l", "\x1b[?25h"


def play(how: str) -> list[str]:
    return [sys.executable, "-m", "tests.screens.play", how]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(HERE / "matrices", tmp_path / "here")
    return tmp_path / "here"


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str], cwd: Path, columns: int = 80, **more: str) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns)
        self.seen = ""
        self.program = subprocess.Popen(
            command, cwd=cwd, env=environment(**more), stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=lambda: self._controls(theirs), start_new_session=True,  # noqa: PLW1509
        )  # fmt: skip
        os.close(theirs)

    @staticmethod
    def _controls(theirs: int) -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def until(self, *words: str) -> str:
        """Read until the words were seen, one after the other; what came since the last call."""
        fresh, found = "", 0
        for word in words:
            while (at := fresh.find(word, found)) < 0:
                fresh += self._read()
            found = at + len(word)
        return fresh

    def rest(self) -> str:
        """Everything until the program's end; its code is in `program.returncode`."""
        try:
            while True:
                self._read()
        except EOFError:
            self.program.wait()
            os.close(self._ours)
            return self.seen

    def _read(self) -> str:
        try:
            text = os.read(self._ours, 65536).decode()
        except OSError:  # Linux's way to say that the other side is closed
            text = ""
        if not text:
            raise EOFError(self.seen)
        self.seen += text
        return text


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 200])
def test_the_live_view_shows_cell_stage_step_bytes_and_time(folder, columns):
    terminal = Terminal([*play("wait"), "up", "four.yaml", "-j", "1"], folder, columns)
    shown = plain(terminal.until("12/188 MB", "cells over"))
    terminal.press("\x03")
    terminal.rest()
    row = next(line for line in shown.splitlines() if "12/188 MB" in line)
    assert re.match(r"debian1[23]-py3\.1[12]-cpu-torch2\.8\.0  build   \d+:\d\d  \[os 2/4\] RUN ap", row)
    assert len(row) <= columns
    assert "--mount" not in row
    assert row.endswith("  12/188 MB")
    assert "0 of 3 cells over" in shown


def test_the_view_follows_the_terminals_size(folder):
    terminal = Terminal([*play("wait"), "up", "four.yaml", "-j", "1"], folder, 200)
    terminal.until("12/188 MB")
    terminal.resize(60)
    terminal.program.send_signal(signal.SIGWINCH)
    narrow = plain(terminal.until(*["12/188 MB", "cells over"] * 3))
    terminal.press("\x03")
    terminal.rest()
    assert max(len(line) for line in narrow.splitlines()[-2:]) <= 60


def test_ctrl_c_leaves_a_clean_terminal_and_tells_of_every_cell(folder):
    terminal = Terminal([*play("wait"), "up", "four.yaml", "-j", "2"], folder)
    terminal.until("12/188 MB")
    terminal.press("\x03")
    seen = terminal.rest()
    assert terminal.program.returncode == 130
    assert seen.rindex(VISIBLE) > seen.rindex(HIDDEN)
    assert "3 cells: 3 cancelled" in plain(seen)
    assert "interrupted; what was under way was stopped and undone" in plain(seen)
    assert "Traceback" not in seen


def test_a_second_ctrl_c_leaves_at_once(folder):
    terminal = Terminal([*play("deaf"), "up", "four.yaml", "-j", "2"], folder)
    terminal.until("12/188 MB")
    terminal.press("\x03")
    terminal.until("stopping")
    terminal.press("\x03")
    seen = terminal.rest()
    assert terminal.program.returncode == 130
    assert seen.rindex(VISIBLE) > seen.rindex(HIDDEN)
    assert "interrupted twice" in seen
    assert "Traceback" not in seen


def test_a_termination_signal_is_an_interrupt(folder):
    terminal = Terminal([*play("wait"), "up", "four.yaml", "-j", "1"], folder)
    terminal.until("12/188 MB")
    terminal.program.terminate()
    assert "3 cells: 3 cancelled" in plain(terminal.rest())
    assert terminal.program.returncode == 130


def test_a_run_on_a_terminal_ends_with_its_summary_alone(folder):
    terminal = Terminal([*play("pass"), "up", "four.yaml"], folder, 200)
    seen = plain(terminal.rest())
    assert terminal.program.returncode == 0
    assert seen.rstrip().endswith("records and logs: .envbuild/four")
    assert "[   0." not in seen  # no lines for logs


@pytest.mark.parametrize(
    ("more", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_colours_where_they_are_wanted(folder, more, coloured):
    terminal = Terminal([*ENVBUILD, "plan", "impossible.yaml"], folder, **more)
    assert ("\x1b[31m" in terminal.rest()) is coloured
    terminal = Terminal([*play("pass"), "up", "four.yaml"], folder, **more)
    assert ("\x1b[32m" in terminal.rest()) is coloured


def ran(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """A shell command in which `envbuild` is ours."""
    script = f'envbuild() {{ "$PYTHON" -c "from builder.cli import main; main()" "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=folder,
        env=environment(PYTHON=sys.executable, **more),
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [("plan four.yaml", 0), ("plan impossible.yaml", 2), ("plan four.yaml --format json", 0)],
)
def test_a_reader_that_leaves_early_is_no_failure(folder, command, code):
    end = ran(f"envbuild {command} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}", folder)
    assert end.returncode == code
    assert b"Traceback" not in end.stderr
    assert b"Broken pipe" not in end.stderr


def test_a_full_disk_is_told(folder):
    end = ran("envbuild plan four.yaml >/dev/full", folder)
    assert end.returncode == 4
    assert b"standard output cannot be written: No space left on device" in end.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(folder, closed):
    assert ran(f"envbuild plan four.yaml {closed}", folder).returncode == 0
    assert ran(f"envbuild plan nowhere.yaml {closed}", folder).returncode == 2


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=str,
)
def test_no_locale_is_too_poor(folder, locale):
    text = (folder / "four.yaml").read_text().replace("nobody uses it", "für später → 日本")
    (folder / "four.yaml").write_text(text)
    end = ran("envbuild plan four.yaml && envbuild --help && envbuild plan 日本.yaml", folder, **locale)
    assert end.returncode == 2
    assert end.stdout.startswith(b"to build: 3 cells")
    assert b"does not exist" in end.stderr
    assert b"Traceback" not in end.stderr


def test_json_is_all_that_goes_to_standard_output(folder):
    end = subprocess.run(
        [*play("pass"), "up", "one.yaml", "--json"],
        check=True, cwd=folder, env=environment(), capture_output=True,
    )  # fmt: skip
    assert end.stdout.startswith(b'{\n  "schema": "envbuild.results/1"')
    assert end.stdout.endswith(b"}\n")
    assert b"verify passed" in end.stderr
