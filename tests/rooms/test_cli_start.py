"""What a command touches before it has to: libraries, the network, other programs, the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# An audit hook hears of every connection, name look-up and program, whoever makes it.
WATCHED = """
import sys
touched = []
def hear(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "os.system"):
        touched.append(f"{event} {args[:2]}")
sys.addaudithook(hear)
from builder.cli import main
sys.argv = ["envbuild", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, f"exit code {end.code}"
print("imported", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
print("touched", *touched, file=sys.stderr)
"""
ENGINE = {"docker", "requests", "uv", "torch", "rich"}


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("--help", ENGINE | {"jinja2", "yaml", "packaging"}),
        ("up --help", ENGINE | {"jinja2"}),
        ("plan matrices/team.yaml", ENGINE | {"jinja2"}),
        ("plan matrices/team.yaml --format json", ENGINE | {"jinja2"}),
        ("render matrices/team.yaml --out OUT", ENGINE),
        ("build matrices/team.yaml --dry-run", ENGINE),
    ],
)
def test_nothing_is_touched_before_it_is_needed(tmp_path, command, unwanted):
    words = command.replace("OUT", str(tmp_path / "out")).split()
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, *words],
        check=False, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9", "ENVBUILD_STORE": str(tmp_path / "store")},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    imported, touched = ran.stderr.splitlines()[-2:]
    assert not unwanted & set(imported.split())
    assert touched == "touched"
    assert not (tmp_path / "store").exists()


def test_a_dry_run_writes_nothing(tmp_path):
    (tmp_path / "m.yaml").write_text((ROOT / "tests/screens/matrices/one.yaml").read_text())
    words = [sys.executable, "-c", "from builder.cli import main; main()", "build", "m.yaml", "--dry-run"]
    subprocess.run(words, check=True, cwd=tmp_path, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.yaml"]
