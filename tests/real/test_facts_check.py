"""This machine's package index says of every release that the tables know what the tables say."""

import json
import os
import subprocess
import sys

import pytest

from builder.errors import OutsideError

pytestmark = pytest.mark.real


def test_no_row_of_the_tables_is_contradicted() -> None:
    """Releases and companions that came out since are news, and no fault of the tables."""
    words = [sys.executable, "-c", "from builder.cli import main; main()", "facts", "check", "--json"]
    env = {**os.environ, "ENVBUILD_FACTS": "none"}
    ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if ran.returncode == OutsideError.exit_code:
        pytest.skip(f"the package index does not answer: {ran.stderr[-200:]}")
    assert ran.returncode in (0, 1), ran.stderr
    told = json.loads(ran.stdout)
    assert told["releases"] >= 42
    assert [one["name"] for one in told["differences"] if one["suspicious"]] == []
    assert not [one for one in told["unknown"] if one["what"].startswith("torch")]
