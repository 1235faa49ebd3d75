"""scripts/engine: a private daemon comes, works beside others, and goes without a trace."""

import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from engine_members import TINY, request, tiny_rootfs

from builder.engine import connect
from builder.engine.api import RunRequest
from builder.errors import OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
SCRIPT = Path(__file__).parents[2] / "scripts" / "engine"
NEVER = threading.Event()


def script(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.fixture
def folder():
    if os.geteuid() != 0:
        pytest.skip("a private daemon needs root")
    found = Path(tempfile.mkdtemp(prefix="e", dir="/tmp")) / "e"
    yield found
    script("stop", found)
    shutil.rmtree(found.parent)


def bridges() -> set[str]:
    return {path.parent.name for path in Path("/sys/class/net").glob("*/bridge")}


def test_a_daemon_comes_works_and_goes(folder, tmp_path):
    before = bridges()
    started = script("start", folder)
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"unix://{folder}/d.sock\n"
    engine = connect(started.stdout.strip())
    engine.load_rootfs(tiny_rootfs(tmp_path), TINY, {})
    image = engine.build(request(f"FROM {TINY}\nRUN true\n", network="default"), lambda progress: None, NEVER)
    assert engine.run(RunRequest(image=image, command=("true",)), lambda piece: None, NEVER).exit_code == 0
    assert before <= bridges()

    # A container runs and holds mounts; the daemon ends it.
    running = threading.Event()
    asked = RunRequest(image=image, command=("sh", "-c", "echo; sleep 600"))

    def until_stopped() -> None:
        with suppress(OutsideError):  # the engine goes away meanwhile
            engine.run(asked, lambda piece: running.set(), NEVER)

    runner = threading.Thread(target=until_stopped)
    runner.start()
    assert running.wait(60)
    stopped = script("stop", folder)
    runner.join()
    assert stopped.returncode == 0, stopped.stderr
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    named = [path for path in Path("/proc").glob("[0-9]*/cmdline") if f"{folder}/".encode() in words(path)]
    assert named == []
    assert before <= bridges()


def words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_folders_that_it_must_not_take(folder):
    folder.mkdir()
    (folder / "mine").touch()
    assert script("start", folder).returncode == 2
    assert script("stop", folder).returncode == 2
    assert (folder / "mine").exists()
    (folder / "mine").unlink()
    assert script("start", folder / ("long" * 20)).returncode == 2
    assert script("stop", folder / "nowhere").returncode == 0
    assert script("start", "/").returncode == 2
    assert script().returncode == 2
