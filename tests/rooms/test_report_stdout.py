"""A report that is asked for on standard output is all that is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("form", "begins"), [("html", "<!doctype html>"), ("json", "{"), ("markdown", "###")]
)
def test_it_is_whole_where_standard_output_is_a_file(tmp_path, form, begins):
    words = ["report", str(ROOT / "matrices" / "quickstart.yaml"), "--format", form, "--out", "/dev/stdout"]
    code = "from builder.cli import main; main()"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (tmp_path / "out").open("wb") as out:
        command = [sys.executable, "-c", code, *words]
        subprocess.run(command, stdout=out, cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "out").read_text().startswith(begins)
