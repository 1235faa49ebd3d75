"""What nvidia-smi says: GPUs, words, noise, a failure, or nothing in time; never an error of envbuild's."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from builder.advice import advise
from builder.cli import main
from builder.facts import load
from builder.machine import Gpu, Machine, as_json, findings, programs
from builder.machine import load as described
from builder.machine.nvidia_smi import OLDER, SMI, Told, ask, read
from builder.machine.programs import ProgramError
from builder.report import doctor

FACTS = load()
V100 = Gpu(name="Tesla V100-SXM2-32GB", capability="7.0", memory=32 * 2**30)
LINE = "550.54.15, Tesla V100-SXM2-32GB, 32768, 7.0"


@pytest.mark.parametrize(
    "out",
    [
        f"{LINE}\n",
        f"{LINE}\n\n",
        f"\nWARNING: infoROM is corrupted at gpu 0000:00:1E.0\n{LINE}\r\n",
        f"{LINE}\nWARNING: something, with commas, in it, and more, of them\n",
    ],
)
def test_a_gpu_is_read_whatever_stands_around_it(out):
    assert read(out) == Told(driver="550.54.15", gpus=(V100,))


@pytest.mark.parametrize("out", ["", "\n", "No devices were found\n"])
def test_no_gpu_is_an_answer(out):
    assert read(out) == Told()


@pytest.mark.parametrize(
    ("out", "trouble"),
    [
        ("Something went wrong\n", "Something went wrong"),
        ("\x1b[31mred\x1b[0m\n", "\\x1b[31mred\\x1b[0m"),
        ("\ufffd\ufffd, a\n", "\ufffd\ufffd, a"),
    ],
)
def test_words_instead_of_gpus_are_told(out, trouble):
    assert read(out) == Told(trouble=trouble)


def test_what_is_not_known_stands_in_brackets():
    told = read("[N/A], NVIDIA GB10, [N/A], [N/A]\n")
    assert told.gpus == (Gpu(name="NVIDIA GB10"),)
    assert (told.driver, told.trouble) == ("", "it tells no driver but [N/A]")
    assert read("550.54.15, X\x1b[31m, 1, 99.x\n").gpus == (Gpu(name="X\\x1b[31m", memory=2**20),)
    assert read("five, X, 1, 8.6\n").trouble == "it tells no driver but five"
    assert read(f"[N/A], X, 1, 8.6\n{LINE}\n").driver == "550.54.15"


def failing(said: str, then: str | None = None):
    """An nvidia-smi that fails with these words; `then` is what the older question gets."""

    def run(command: list[str]) -> str | None:
        if command == OLDER and then is not None:
            return then
        assert command == SMI
        raise ProgramError(said)

    return run


def test_an_old_nvidia_smi_is_asked_for_less_and_a_broken_one_is_not_asked_again():
    unknown = 'Field "compute_cap" is not a valid field to query.'
    told = ask(failing(unknown, "470.82.01, Tesla K80, 11441\n"))
    assert told == Told(driver="470.82.01", gpus=(Gpu(name="Tesla K80", memory=11441 * 2**20),))
    assert ask(failing("broken")) == Told(trouble="broken")
    assert ask(failing("No devices were found")) == Told()
    assert ask(lambda _: None) == Told()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch", "restart the machine"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "modprobe nvidia"),
        ("it did not answer within 10 s", "dmesg"),
        ("Unknown Error", "run nvidia-smi by hand"),
    ],
)
def test_a_failure_is_a_problem_with_a_remedy_and_not_no_gpu(said, remedy, tmp_path):
    machine = Machine(nvidia_smi=said)
    (finding,) = [one for one in findings(machine, FACTS) if one.check == "gpu"]
    assert finding.severity == "problem"
    assert said in finding.message
    assert remedy in finding.remedy
    text = doctor.as_text(machine, findings(machine, FACTS), advise(machine, FACTS))
    assert "no NVIDIA GPU" not in text
    assert "there is no GPU" not in text
    again = tmp_path / "m.json"
    again.write_text(json.dumps(as_json(machine)))
    assert described(again) == machine


def test_gpus_whose_driver_is_not_told_are_not_said_to_have_none():
    machine = Machine(gpus=(V100,), nvidia_smi="it tells no driver but [N/A]")
    assert [one.check for one in findings(machine, FACTS) if one.severity == "problem"] == ["gpu"]


def program(folder: Path, text: str) -> None:
    """An nvidia-smi of ours."""
    folder.mkdir(exist_ok=True)
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "nvidia-smi").chmod(0o755)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder before all others on PATH; no engine, no network."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    return tmp_path / "bin"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "mismatch"),
        ("echo broken >&2; exit 9", "what is there: broken"),
        ("exit 9", "it ended with 9"),
        ("exec sleep 60", "did not answer"),
        ("echo 'No devices were found'", "no NVIDIA GPU"),
        ("echo", "no NVIDIA GPU"),
        ("printf '\\377\\376\\033[31m, a, b, c\\n'", "\ufffd\ufffd\\x1b[31m, a, b, c"),
        (f"echo 'WARNING: infoROM is corrupted at gpu 0000:00:1E.0'; echo '{LINE}'; echo", "V100"),
        ("echo '[N/A], NVIDIA GB10, [N/A], 12.1'", "GB10"),
        ("printf '550.54.15, Tesla\\033[31m T4, x, y\\n'", "what is there"),
        ("printf '550.54.15, Tesla\\033[31m T4, 1, 7.5\\n'", "Tesla\\x1b[31m T4"),
    ],
)
def test_the_doctor_looks_at_any_nvidia_smi(path, script, told, monkeypatch, capsys):
    monkeypatch.setattr(programs, "PATIENCE", 0.5)
    program(path, script)
    began = time.monotonic()
    monkeypatch.setattr("sys.argv", ["envbuild", "doctor", "--offline"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, 1)
    assert time.monotonic() - began < 10
    out = capsys.readouterr().out
    assert told in out
    assert "\x1b" not in out


def test_a_program_that_is_not_there_or_cannot_run_says_nothing(path):
    assert programs.run(["no-such-program-here"]) is None
    program(path, "")
    (path / "nvidia-smi").chmod(0o644)
    assert programs.run([str(path / "nvidia-smi")]) is None
