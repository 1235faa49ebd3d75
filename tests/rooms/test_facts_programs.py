"""The programs beside the tables end with a word where they are asked for too many cells, or for none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ran(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / program, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("number", ["0", "-3", "30000"])
def test_a_sample_is_of_cells_that_there_are(number) -> None:
    ended = ran("scripts/facts-sample", "--cells", number)
    assert ended.returncode == 2
    assert re.search(rf"--cells {number}: the tables have 1 to \d\d,\d+ to draw from", ended.stderr)


@pytest.mark.parametrize("number", ["-1", "0", "40000"])
def test_a_benchmark_plans_what_a_matrix_may_have(number) -> None:
    ended = ran("benchmarks/plan_cells.py", number)
    assert ended.returncode == 2
    assert f"CELLS is {number}; a matrix has 1 to 20,000" in ended.stderr


def test_a_benchmark_of_as_many_cells_as_may_be_ends() -> None:
    ended = ran("benchmarks/plan_cells.py", "20000")
    assert ended.returncode == 0, ended.stderr
    assert 19_000 < int(ended.stdout.split()[1]) <= 20_000
