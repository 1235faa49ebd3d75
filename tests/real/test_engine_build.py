"""Builds on real engines: what comes out, what a failure says, what an interruption leaves."""

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from engine_members import request

from builder.engine.api import Engine, Entry, Progress
from builder.errors import CellError, InterruptedByUserError, OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
TAG = f"envbuild-test/engine-build-{os.getpid()}:1"


def build(engine: Engine, dockerfile: str, **changes) -> tuple[str, list[Progress]]:
    said: list[Progress] = []
    return engine.build(request(dockerfile, **changes), said.append, threading.Event()), said


def lines(said: list[Progress]) -> list[str]:
    return [progress.line for progress in said if progress.line is not None]


def processes(command: str) -> list[int]:
    """Those of this machine, where the engine is: their command lines are theirs alone."""
    wanted = "".join(f"{word}\0" for word in command.split()).encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == wanted:
                found.append(int(path.parent.name))
    return found


def test_context_files_arrive_with_modes_and_one_fixed_time(either, tiny, tmp_path):
    wheel = tmp_path / "big.whl"
    wheel.write_bytes(os.urandom(3_000_000))
    dockerfile = f"FROM {tiny}\nCOPY env /env\nRUN ls -ln /env /env/wheels; wc -c < /env/wheels/big.whl\n"
    image, said = build(
        either,
        dockerfile,
        context=(
            Entry(path="Dockerfile", content=dockerfile.encode()),
            Entry(path="env/tool", content=b"x", mode=0o755),
            Entry(path="env/" + "long" * 40, content=b"x"),
            Entry(path="env/wheels/big.whl", content=wheel),
        ),
    )
    out = "\n".join(lines(said))
    assert "3000000" in out
    assert "long" * 40 in out
    assert any(
        line.startswith("-rwxr-xr-x") and line.endswith("tool") and "1980" in line for line in lines(said)
    )
    either.untag(image)


def test_arguments_target_labels_and_tag(either, tiny):
    first = 'ARG BASE=none\nFROM ${BASE} AS first\nARG WORD\nRUN echo "<$WORD>"\n'
    dockerfile = f"{first}FROM first AS never\nRUN false\n"
    image, said = build(
        either,
        dockerfile,
        args={"BASE": tiny, "WORD": "a b"},
        labels={"org.envbuild.test": "x y"},
        target="first",
        tag=TAG,
    )
    found = either.find(TAG)
    assert found is not None
    assert found.id == image
    assert TAG in found.tags
    assert ("org.envbuild.test", "x y") in found.labels
    assert "<a b>" in lines(said)
    assert any("RUN echo" in progress.step and progress.done for progress in said)
    either.untag(TAG)
    assert either.find(TAG) is None


def test_a_repeated_step_is_told_as_cached(either, tiny):
    dockerfile = f"FROM {tiny}\nRUN echo {os.getpid()} > /x\n"
    _, first = build(either, dockerfile)
    image, again = build(either, dockerfile)
    assert not [progress for progress in first if progress.cached and "RUN" in progress.step]
    assert [progress for progress in again if progress.cached and "RUN" in progress.step]
    _, anew = build(either, dockerfile, no_cache=True)
    assert not [progress for progress in anew if progress.cached and "RUN" in progress.step]
    either.untag(image)


def test_a_failed_step_is_named_with_its_last_lines(either, tiny):
    with pytest.raises(CellError) as caught:
        build(either, f"FROM {tiny}\nRUN seq 100; printf torn; exit 3\n", tag=TAG)
    message = caught.value.problems[0].message
    assert "RUN seq 100; printf torn; exit 3" in message.splitlines()[0]
    assert message.splitlines()[-1] == "torn"
    assert message.splitlines()[-2] == "100"
    assert "\n70\n" not in message
    assert either.find(TAG) is None


def test_a_faulty_dockerfile_is_the_cells_fault(either, tiny):
    with pytest.raises(CellError, match=r"(?i)unknown instruction"):
        build(either, f"FROM {tiny}\nRUNNING true\n")


def test_a_base_that_nobody_has_is_an_outside_failure(either):
    with pytest.raises(OutsideError, match="getting the base image") as caught:
        build(either, "FROM 127.0.0.1:1/envbuild-test/nowhere:1\nRUN true\n")
    assert caught.value.problems[0].hint


def test_an_interruption_ends_the_step_and_leaves_no_name(either, tiny):
    cancel = threading.Event()
    mark = f"{os.getpid()}{threading.get_ident()}"[:9]

    def on_progress(progress: Progress) -> None:
        if progress.line == "under way":
            cancel.set()

    with pytest.raises(InterruptedByUserError):
        either.build(
            request(f"FROM {tiny}\nRUN echo under way; sleep {mark}\n", tag=TAG), on_progress, cancel
        )
    assert either.find(TAG) is None
    for pid in processes(f"sleep {mark}"):
        if either.about().kind == "podman":
            os.kill(
                pid, signal.SIGTERM
            )  # Podman 4 lets the step under way run on: nothing to ask for its end
        subprocess.run(["timeout", "20", "tail", f"--pid={pid}", "-f", "/dev/null"], check=True)


def test_an_interruption_while_the_context_is_sent(either, tiny, tmp_path):
    cancel = threading.Event()
    endless = tmp_path / "endless"
    endless.touch()
    os.truncate(endless, 1 << 42)  # sparse: no disk, and years to send
    context = (Entry(path="Dockerfile", content=f"FROM {tiny}\n".encode()), Entry(path="x", content=endless))
    timer = threading.Timer(0.5, cancel.set)
    timer.start()
    with pytest.raises(InterruptedByUserError):
        either.build(request("", context=context, tag=TAG), print, cancel)
    assert either.find(TAG) is None


def test_a_build_without_network_has_none(either, tiny):
    dockerfile = f"FROM {tiny}\nRUN cat /proc/net/dev\n"
    _, said = build(either, dockerfile, no_cache=True)
    assert [line.split(":")[0].strip() for line in lines(said) if ":" in line] == ["lo"]
    _, said = build(either, dockerfile, no_cache=True, network="default")
    assert len([line for line in lines(said) if ":" in line]) > 1


def test_several_builds_at_once(either, tiny):
    dockerfiles = [f"FROM {tiny}\nRUN echo {number} {os.getpid()} > /number\n" for number in range(4)]
    with ThreadPoolExecutor(max_workers=4) as threads:
        images = list(threads.map(lambda each: build(either, each)[0], dockerfiles))
    assert len(set(images)) == 4
    for image in images:
        either.untag(image)
