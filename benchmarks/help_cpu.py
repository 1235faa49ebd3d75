"""CPU time of starting envbuild: `python benchmarks/help_cpu.py [RUNS]`.

Printed is the median CPU time (user and system, interpreter included) of each command in its own process,
beside what it may take.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (("--help", 0.25), ("up --help", 0.6), ("plan matrices/team.yaml", 0.6))  # seconds


def cost(command: str) -> float:
    """CPU seconds of one run."""
    words = [sys.executable, "-c", "from builder.cli import main; main()", *command.split()]
    program = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"envbuild {command} ended with {program.returncode}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print command, median and limit, one line each."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    for command, limit in COMMANDS:
        median = statistics.median(cost(command) for _ in range(runs))
        print(f"envbuild {command:24} median {median:.3f} s CPU of {runs} runs, limit {limit:.2f} s")


if __name__ == "__main__":
    main()
