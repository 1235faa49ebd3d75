"""What commands tell on standard error."""

import io
import sys

from builder.cli import screen


def test_a_line_is_written_in_one_piece_so_that_threads_do_not_run_together(monkeypatch):
    pieces = []

    class Stream(io.StringIO):
        def write(self, text):
            pieces.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Stream())
    screen.warn("packages of debian12")
    assert pieces == ["packages of debian12\n"]
