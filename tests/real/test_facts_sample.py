"""The tables and uv agree on which wheels there are, on this machine's package index."""

import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import OutsideError

pytestmark = pytest.mark.real
SAMPLE = Path(__file__).parents[2] / "scripts/facts-sample"


def test_uv_has_what_the_tables_have_and_nothing_more() -> None:
    """The same cells each time; by hand `scripts/facts-sample` draws others each day."""
    ended = subprocess.run(
        [sys.executable, SAMPLE, "--cells", "25", "--seed", "1"], check=False, capture_output=True, text=True
    )
    if ended.returncode == OutsideError.exit_code:
        pytest.skip(f"the package index does not answer: {ended.stderr[-200:]}")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "they differ: 0" in ended.stdout
    assert "both have it: 0" not in ended.stdout
