"""What opening the source does at once, so that threads need not."""

import subprocess
import sys

OPENED = """
import sysconfig
from builder.source import open_source
open_source()
print("EXE" in (sysconfig._CONFIG_VARS or ()))
"""


def test_what_threads_would_meet_half_filled_is_filled():
    """Two cells at once met TypeError in uv's finder on Python 3.11, whose sysconfig has no lock."""
    ended = subprocess.run([sys.executable, "-c", OPENED], check=True, capture_output=True, text=True)
    assert ended.stdout == "True\n"
