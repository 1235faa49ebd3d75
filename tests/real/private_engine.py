"""An engine of a newer Debian release, started for a test and stopped at its end."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from main_job import ROOT

SCRIPT = ROOT / "scripts" / "engine"
RELEASE = "forky"  # of Debian, whose Docker is 28.5


@contextmanager
def private(store: str) -> Iterator[str]:
    """Its address; with that store, which is empty."""
    if os.geteuid() != 0:
        pytest.skip("a private daemon needs root")
    with tempfile.TemporaryDirectory(prefix="e", dir="/tmp") as name:
        place = Path(name) / "e"
        try:
            words = [SCRIPT, "start", place, "--release", RELEASE, "--store", store]
            yield subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        finally:
            subprocess.run([SCRIPT, "stop", place], check=True)
