"""Containers on real engines: what holds them in, and how each way of ending is told."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest
from engine_members import TINY, request

from builder.engine import owner
from builder.engine.api import Engine, RunEnd, RunRequest
from builder.errors import InterruptedByUserError, OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
NEVER = threading.Event()


def run(engine: Engine, *command: str, **limits) -> RunEnd:
    return engine.run(RunRequest(image=TINY, command=command, **limits), lambda piece: None, NEVER)


@pytest.fixture
def client(either):
    found = docker.APIClient(base_url=either.about().endpoint, version="auto")
    yield found
    found.close()


@pytest.fixture(autouse=True)
def nothing_left(either, tiny, client):
    """Whatever a test does: no container of the tiny image remains."""
    yield
    assert client.containers(all=True, filters={"ancestor": TINY}) == []


def test_output_errors_and_exit_code_come_apart(either):
    pieces: list[bytes] = []
    asked = RunRequest(image=TINY, command=("sh", "-c", "echo out; echo err >&2; exit 7"))
    end = either.run(asked, pieces.append, NEVER)
    assert (end.exit_code, end.stdout, end.stderr) == (7, b"out\n", b"err\n")
    assert b"".join(pieces) == end.stdout
    assert (end.timed_out, end.out_of_memory, end.flooded) == (False, False, False)


def test_output_comes_while_the_container_runs(either):
    cancel = threading.Event()
    asked = RunRequest(image=TINY, command=("sh", "-c", "echo first; sleep 600"))
    with pytest.raises(InterruptedByUserError):
        either.run(asked, lambda piece: cancel.set(), cancel)


def test_large_input_and_output_at_once(either):
    sent = os.urandom(3_000_000)
    end = run(either, "cat", stdin=sent)
    assert end.stdout == sent


def test_several_at_once(either):
    """One engine object serves the threads of a run with several jobs."""
    sent = [os.urandom(300_000) for _ in range(6)]
    with ThreadPoolExecutor(max_workers=6) as threads:
        ends = list(threads.map(lambda each: run(either, "cat", stdin=each), sent))
    assert [end.stdout for end in ends] == sent


def test_input_that_nobody_reads(either):
    assert run(either, "true", stdin=b"x" * 3_000_000).exit_code == 0


def test_only_the_end_of_the_errors_is_kept(either):
    end = run(either, "sh", "-c", "seq 100000 >&2")
    assert len(end.stderr) == 64 * 1024
    assert end.stderr.endswith(b"\n100000\n")


def test_no_network(either):
    end = run(either, "cat", "/proc/net/dev")
    assert [line.split(b":")[0].strip() for line in end.stdout.splitlines()[2:]] == [b"lo"]


def test_a_root_that_cannot_be_written_and_a_tmp_that_can(either):
    assert run(either, "touch", "/x").exit_code != 0
    script = (
        "cat /bin/true > /tmp/x; echo 'echo ran' > /tmp/y; sh /tmp/y; head -c 9000000 /dev/zero > /tmp/big"
    )
    end = run(either, "sh", "-c", script, user="1000", tmpfs=8 * 1024**2)
    assert end.stdout == b"ran\n"
    assert b"space" in end.stderr
    mounts = run(either, "cat", "/proc/mounts").stdout.splitlines()
    tmp = next(line for line in mounts if line.startswith(b"tmpfs /tmp "))
    assert b"nosuid" in tmp
    assert b"noexec" not in tmp


def test_no_capabilities_and_no_way_to_new_ones(either):
    status = run(either, "cat", "/proc/self/status").stdout.decode()
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert {int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert fields["NoNewPrivs"] == "1"


def test_user_environment_folder_and_entry_point(either):
    dockerfile = f'FROM {TINY}\nENTRYPOINT ["/bin/false"]\nCMD ["/bin/false"]\nENV A=image\n'
    image = either.build(request(dockerfile), lambda progress: None, NEVER)
    asked = RunRequest(
        image=image,
        command=("sh", "-c", 'id -u; echo "$A $B"; pwd'),
        user="app",
        env={"B": "it's"},
        work_dir="/etc",
    )
    end = either.run(asked, lambda piece: None, NEVER)
    assert end.stdout.split(b"\n") == [b"1000", b"image it's", b"/etc", b""]
    started = RunRequest(image=image, command=("echo inside",), entrypoint=("/bin/sh", "-c"))
    assert either.run(started, lambda piece: None, NEVER).stdout == b"inside\n"
    either.untag(image)


def test_mounts_are_read_only(either, tmp_path):
    (tmp_path / "a:b").mkdir()
    (tmp_path / "a:b" / "file").write_text("seen")
    script = "cat /data/file; touch /data/new"
    end = run(either, "sh", "-c", script, mounts=((str(tmp_path / "a:b"), "/data"),))
    assert end.stdout == b"seen"
    assert end.exit_code != 0
    assert not (tmp_path / "a:b" / "new").exists()


def test_a_missing_mount_is_an_error_and_is_not_made(either, tmp_path):
    if either.about().kind == "podman":
        pytest.skip("Podman makes an empty folder of a missing source, whichever way it is told")
    with pytest.raises(OutsideError):
        run(either, "true", mounts=((str(tmp_path / "missing"), "/data"),))
    assert not (tmp_path / "missing").exists()


def test_out_of_time(either):
    end = run(either, "sh", "-c", "echo before; sleep 600", timeout=1.0)
    assert end.timed_out
    assert (end.exit_code, end.stdout) == (137, b"before\n")


def test_out_of_time_with_closed_output(either):
    assert run(either, "sh", "-c", "exec >&- 2>&-; sleep 600", timeout=1.0).timed_out


def test_out_of_memory(either):
    end = run(either, "tail", "/dev/zero", memory=64 * 1024**2)
    assert end.exit_code == 137
    # Podman 4 does not see it where memory is counted by cgroup v1.
    assert end.out_of_memory or either.about().kind == "podman"
    assert not end.timed_out


def test_too_many_processes(either):
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait"
    assert b"fork" in run(either, "sh", "-c", script, pids=8).stderr


def test_a_flood_is_stopped(either):
    end = run(either, "yes", stdout_limit=1_000_000)
    assert end.flooded
    assert len(end.stdout) == 1_000_000
    assert end.exit_code == 137


def test_a_program_that_the_image_lacks(either):
    end = run(either, "no-such-program")
    assert end.exit_code == 127
    assert b"no-such-program" in end.stderr


def test_a_user_that_the_image_lacks(either):
    end = run(either, "true", user="nobody-here")
    assert end.exit_code == 127
    assert b"nobody-here" in end.stderr


def test_an_image_that_is_not_there(either):
    with pytest.raises(OutsideError, match="nowhere"):
        either.run(RunRequest(image="envbuild-test/nowhere:1", command=("true",)), print, NEVER)


def test_an_error_of_the_caller_removes_the_container(either):
    def fail(piece: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        either.run(RunRequest(image=TINY, command=("sh", "-c", "echo; sleep 600")), fail, NEVER)


def test_gpus_of_an_engine_without_any(either):
    if either.about().gpus:
        pytest.skip("this engine has GPUs")
    with pytest.raises(OutsideError, match="cannot pass GPUs on") as caught:
        run(either, "true", gpus=True)
    assert "Container Toolkit" in (caught.value.problems[0].hint or "")


LEAVE = """
import json, sys, docker
from builder.engine import owner
client = docker.APIClient(base_url=sys.argv[1], version="auto")
body = {"Image": sys.argv[2], "Entrypoint": ["sleep", "600"], "Labels": {owner.LABEL: owner.mine()}}
ident = client.create_container_from_config(body)["Id"]
client.start(ident)
print(json.dumps(ident))
"""


def test_what_a_dead_process_left_is_swept_away(either, client):
    """A process leaves a running container and ends; those of live or distant ones stay."""
    command = [sys.executable, "-c", LEAVE, either.about().endpoint, TINY]
    left = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    kept = []
    for label in (owner.mine(), "another-machine/boot/1/1/1"):
        body = {"Image": TINY, "Entrypoint": ["sleep", "600"], "Labels": {owner.LABEL: label}}
        kept.append(client.create_container_from_config(body)["Id"])
    assert either.sweep() >= 1
    there = {each["Id"] for each in client.containers(all=True)}
    assert left not in there
    assert set(kept) <= there
    for ident in kept:
        client.remove_container(ident, force=True)
