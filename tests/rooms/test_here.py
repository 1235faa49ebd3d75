"""The verifier without a container: which Python it takes, how it ends, and what is never believed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from builder import here, verification
from builder.errors import InputError
from builder.matrix import VerifySettings
from builder.trial import Subject

COMMAND = Path(sys.executable).with_name("envbuild")
STATIC = Subject(image="here", claim=None, settings=VerifySettings(level="static"))
NEVER = threading.Event()


def program(folder: Path, name: str, code: str) -> Path:
    """An executable of that code, in a folder for PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(code))
    path.chmod(0o755)
    return path


def tried(python: Path, cancel=NEVER, subject=STATIC, on_record=lambda record: None):
    return here.run(str(python), subject, on_record, cancel)


def test_a_python_without_torch_fails_and_that_is_no_error_of_ours():
    proof = verification.judged(tried(Path(sys.executable)), STATIC)
    assert proof.status == "failed"
    assert "torch does not import" in (proof.reason or "")
    assert {check.id for check in proof.checks} == {item.id for item in verification.listed("static")}


def test_the_first_python_on_path_that_has_torch_is_taken(tmp_path):
    without = program(tmp_path / "a", "python", "import sys; sys.exit(1)")
    having = program(tmp_path / "b", "python3", "")
    path = {"PATH": f"{without.parent}:{having.parent}"}
    assert here.interpreter(path) == str(having)
    having.unlink()
    assert here.interpreter(path) == str(without)


def test_none_on_path_and_envbuilds_own_without_torch_is_envbuilds_own(tmp_path):
    assert here.interpreter({"PATH": str(tmp_path)}) == sys.executable


def test_what_is_no_python_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be run: No such file"):
        tried(tmp_path / "nothing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="cannot be run: Permission denied"):
        tried(tmp_path / "text")


def test_an_end_without_a_report_is_an_error(tmp_path):
    silent = program(tmp_path, "python", "import sys; sys.stderr.write('last words'); sys.exit(7)")
    proof = verification.judged(tried(silent), STATIC)
    assert (proof.status, proof.reason) == (
        "error", "the verifier ended (exit code 7: last words) without a complete report",
    )  # fmt: skip


def test_an_end_by_a_signal_is_told_in_words(tmp_path):
    killed = program(tmp_path, "python", "import os; os.kill(os.getpid(), 11)")
    assert "segmentation fault" in (verification.judged(tried(killed), STATIC).reason or "")


def test_records_without_this_run_s_nonce_are_no_records(tmp_path):
    forged = program(
        tmp_path, "python", """
        import json
        print("envbuild-record x", json.dumps({"record": "summary", "complete": True, "checks": 0}))
        """,
    )  # fmt: skip
    assert tried(forged).records == ()


def test_it_stops_when_it_is_told_and_takes_its_workers_with_it(tmp_path):
    note = tmp_path / "worker"
    busy = program(
        tmp_path, "python", f"""
        import json, subprocess, sys, time
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(note)!r}, "w").write(str(worker.pid))
        config = json.load(open(sys.argv[2]))
        print("envbuild-record", config["nonce"], json.dumps({{"record": "start", "id": "x"}}), flush=True)
        time.sleep(600)
        """,
    )  # fmt: skip
    stop = threading.Event()
    found = tried(busy, cancel=stop, on_record=lambda record: stop.set())
    assert found.records == ({"record": "start", "id": "x"},)
    assert found.end.exit_code == 128 + signal.SIGKILL
    assert gone(int(note.read_text()))


def gone(pid: int) -> bool:
    """Whether a process has ended; who inherited it may take a moment to say so."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_time_runs_out(tmp_path, monkeypatch):
    monkeypatch.setattr(here, "GRACE", 0.0)
    slow = program(tmp_path, "python", "import time; time.sleep(600)")
    subject = Subject(image="here", claim=None, settings=VerifySettings(level="static", timeout=1))
    proof = verification.judged(tried(slow, subject=subject), subject)
    assert proof.status == "error"
    assert (proof.reason or "").startswith("ran out of time after")


def test_a_flood_of_words_does_not_fill_the_memory(tmp_path):
    loud = program(
        tmp_path, "python", "import sys\nfor _ in range(300):\n    sys.stderr.write('x' * 100_000)\n"
    )
    assert len(tried(loud).end.stderr) == here.KEPT


@pytest.mark.slow
def test_by_the_command_line(tmp_path):
    env = {**os.environ, "PATH": str(tmp_path)}
    words = [COMMAND, "verify", "--here", "-q", "--json", "--level", "static", "--junit", tmp_path / "j.xml"]
    end = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    (cell,) = json.loads(end.stdout)["cells"]
    assert (end.returncode, cell["outcome"], cell["cell"]) == (1, "failed", sys.executable)
    assert 'name="torch.import"' in (tmp_path / "j.xml").read_text()


@pytest.mark.torch
def test_an_environment_that_works_passes(tmp_path):
    python = os.environ["ENVBUILD_TEST_TORCH_PYTHON"]
    words = [COMMAND, "verify", "--here", "-q", "--json", "--python", python]
    end = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert end.returncode == 0, end.stdout + end.stderr
    (cell,) = json.loads(end.stdout)["cells"]
    curve = next(check for check in cell["verification"]["checks"] if check["id"] == "train.curve")
    assert cell["outcome"] == "passed"
    assert len(curve["values"]["losses"]) == 10
    assert list(tmp_path.iterdir()) == []
