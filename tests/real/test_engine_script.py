"""scripts/engine: a private daemon comes, works beside others, and goes without a trace."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from engine_members import TINY, brought, request, tiny_rootfs

from builder.engine import connect
from builder.engine.api import RunRequest
from builder.errors import OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
SCRIPT = Path(__file__).parents[2] / "scripts" / "engine"
NEVER = threading.Event()


def script(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.fixture
def own_programs(tmp_path, monkeypatch):
    """In place of what is fetched for `--release forky`, which takes a minute: the machine's own programs."""
    (tmp_path / "roots" / "forky").mkdir(parents=True)
    (tmp_path / "roots" / "forky" / "usr").symlink_to("/usr")
    monkeypatch.setenv("ENGINE_ROOTS", str(tmp_path / "roots"))
    return tmp_path / "roots" / "forky"


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


@pytest.mark.parametrize("options", [(), ("--release", "forky")], ids=["own", "release"])
def test_a_daemon_comes_works_and_goes(folder, tmp_path, own_programs, options):
    before = bridges()
    started = script("start", folder, *options)
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"unix://{folder}/d.sock\n"
    engine = connect(started.stdout.strip())
    brought(engine, tiny_rootfs(tmp_path), TINY)
    image = engine.build(request(f"FROM {TINY}\nRUN true\n", network="default"), lambda progress: None, NEVER)
    assert engine.run(RunRequest(image=image, command=("true",)), lambda piece: None, NEVER).exit_code == 0
    assert before <= bridges()

    # A container runs and holds mounts; the daemon ends it.
    runs = threading.Event()
    asked = RunRequest(image=image, command=("sh", "-c", "echo; sleep 600"))

    def until_stopped() -> None:
        with suppress(OutsideError):  # the engine goes away meanwhile
            engine.run(asked, lambda piece: runs.set(), NEVER)

    runner = threading.Thread(target=until_stopped)
    runner.start()
    assert runs.wait(60)
    stopped = script("stop", folder)
    runner.join()
    assert stopped.returncode == 0, stopped.stderr
    assert_gone(folder)
    assert before <= bridges()


def assert_gone(folder: Path) -> None:
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    assert running(f"{folder}/") == []


def running(word: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if word.encode() in words(path)]


def words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_build_that_runs_is_ended(folder, tmp_path):
    engine = connect(script("start", folder).stdout.strip())
    brought(engine, tiny_rootfs(tmp_path), TINY)
    step = f"sleep 600.{os.getpid()}"

    def until_stopped() -> None:
        with suppress(OutsideError):  # the engine goes away meanwhile
            engine.build(request(f"FROM {TINY}\nRUN {step}\n"), lambda progress: None, NEVER)

    builder = threading.Thread(target=until_stopped)
    builder.start()
    deadline = time.monotonic() + 60
    argument = step.split()[1]
    while not running(argument):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stopped = script("stop", folder)
    builder.join()
    assert stopped.returncode == 0, stopped.stderr
    assert running(argument) == []
    assert_gone(folder)


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


@pytest.mark.parametrize(
    "options",
    [
        ("start", "{dir}", "--release"),
        ("start", "{dir}", "--release", "../forky"),
        ("start", "{dir}", "--release", "forky", "--store", "vfs"),
        ("start", "{dir}", "--store", "overlay2"),
        ("start", "{dir}", "--loud"),
        ("start", "{dir}", "{dir}"),
        ("start", "--release", "forky"),
        ("stop", "{dir}", "--release", "forky"),
        ("buildx",),
        ("buildx", "--release", "forky", "--store", "containerd"),
    ],
)
def test_options_that_mean_nothing(tmp_path, own_programs, options):
    ended = script(*(word.format(dir=tmp_path / "e") for word in options))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr
    assert not (tmp_path / "e").exists()


def test_buildx_is_the_releases(own_programs):
    told = script("buildx", "--release", "forky")
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"{own_programs}/usr/libexec/docker/cli-plugins/docker-buildx\n"


def test_a_release_that_cannot_be_made(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ENGINE_ROOTS", str(tmp_path / "roots"))
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", f"file://{tmp_path}/nothing")
    ended = script("start", folder, "--release", "forky")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "mmdebstrap" in ended.stderr
    assert not folder.exists()
    assert [path.name for path in (tmp_path / "roots").iterdir()] in ([], [".forky.lock"])
