"""A terminal that is closed ends a run as Ctrl-C does: everything is undone first."""

import os
import signal
import subprocess
import sys

WORK = """
import fcntl, os, signal, sys, termios
from pathlib import Path
import builder.cli as cli

def work(**_):
    try:
        print("begun", flush=True)
        signal.pause()
    finally:
        print("undoing", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGHUP)
        Path(sys.argv[1]).write_text("undone")

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
cli.envbuild.main = work
cli.main()
"""


def test_a_closed_terminal_leaves_nothing_behind(tmp_path):
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", WORK, str(tmp_path / "end")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as ran:
        os.close(theirs)
        assert b"begun" in os.read(ours, 100)
        os.close(ours)
        assert ran.wait(60) == 130
    assert (tmp_path / "end").read_text() == "undone"


def test_without_a_terminal_it_is_told(tmp_path):
    command = [sys.executable, "-c", WORK, str(tmp_path / "end")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as ran:
        assert ran.stdout.readline() == "begun\n"
        ran.send_signal(signal.SIGHUP)
        assert ran.wait(60) == 130
        assert "interrupted" in ran.stderr.read()
    assert (tmp_path / "end").read_text() == "undone"
