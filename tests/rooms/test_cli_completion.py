"""Completion as shells ask for it: commands, options, the cells of the matrix on the line, rules."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("envbuild")
BASH = """
source <("$1" completion bash)
COMP_WORDS=("${@:3}")
COMP_CWORD=$2
_envbuild_completion envbuild
printf '%s\\n' "${COMPREPLY[@]}"
"""


def asked(words: list[str], folder: Path, shell: str = "bash") -> tuple[list[str], str]:
    """What a shell is offered for the last word (bash by its own function), and what was complained."""
    env = {**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    if shell == "bash":
        command = ["bash", "-c", BASH, "bash", COMMAND, str(len(words)), "envbuild", *words]
    else:
        line = {"COMP_WORDS": " ".join(["envbuild", *words]), "COMP_CWORD": str(len(words))}
        line |= {"COMP_CWORD": words[-1]} if shell == "fish" else {}
        env |= {**line, "_ENVBUILD_COMPLETE": f"{shell}_complete"}
        command = [COMMAND]
    end = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return [line for line in end.stdout.splitlines() if line], end.stderr


@pytest.fixture
def folder(tmp_path):
    for name in ("debian", "legacy"):
        shutil.copy(ROOT / "matrices" / f"{name}.yaml", tmp_path)
    (tmp_path / "broken.yaml").write_text("matrix: [")
    return tmp_path


def test_commands_and_options(folder):
    assert asked(["pl"], folder) == (["plan"], "")
    assert asked(["plan", "debian.yaml", "--onl"], folder) == (["--only", "--online"], "")


def test_the_cells_of_the_matrix_on_the_line(folder):
    found, _ = asked(["plan", "debian.yaml", "--only", "debian1"], folder)
    cells = [f"debian{number}-py3.11-cpu-torch2.13.0" for number in (11, 13, 12)]
    assert found == cells
    assert asked(["up", "legacy.yaml", "--only", "centos7"], folder)[0] == [
        "centos7-py3.9-cpu-torch1.13.1",
        "centos7-py3.9-cpu-torch2.6.0",
    ]


def test_without_one_those_of_the_files_here(folder):
    found, told = asked(["explain", "debian11"], folder)
    assert found == ["debian11-py3.11-cpu-torch2.13.0", "debian11-py3.9-cu102-torch1.12.1"]
    assert told == ""


def test_rules_and_traps(folder):
    assert asked(["explain", "glibc_"], folder)[0] == ["glibc_too_old", "glibc_inferred"]
    assert asked(["explain", "numpy2"], folder)[0] == ["numpy2"]


@pytest.mark.parametrize("matrix", ["broken.yaml", "missing.yaml", "."])
def test_a_matrix_that_cannot_be_read_offers_nothing_and_says_nothing(folder, matrix):
    (folder / "debian.yaml").unlink()
    (folder / "legacy.yaml").unlink()
    assert asked(["plan", matrix, "--only", "debian"], folder) == ([], "")


def test_zsh_and_fish_ask_the_same_way(folder):
    zsh, _ = asked(["explain", "glibc_too"], folder, "zsh")
    assert zsh == ["plain", "glibc_too_old", "_"]
    assert asked(["explain", "glibc_too"], folder, "fish")[0] == ["plain,glibc_too_old"]


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_script_is_one_that_the_shell_takes(folder, shell, check):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = subprocess.run([COMMAND, "completion", shell], check=True, capture_output=True, text=True).stdout
    assert "_ENVBUILD_COMPLETE" in script
    path = folder / "script"
    path.write_text(script)
    subprocess.run([shell, check, path], check=True)
