"""Containers that get more than others: a file as input, the host's network, a root to write to."""

import threading

import pytest

from builder.engine.api import RunEnd, RunRequest

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def run(engine, image, *command, on_stdout=lambda piece: None, **changes) -> RunEnd:
    return engine.run(RunRequest(image=image, command=command, **changes), on_stdout, threading.Event())


def interfaces(text: str) -> set[str]:
    return {line.partition(":")[0].strip() for line in text.splitlines() if ":" in line}


def test_a_file_is_streamed_in_and_out_without_being_kept(either, tiny, tmp_path):
    source = tmp_path / "input"
    source.write_bytes(bytes(range(256)) * 40_000)
    came: list[bytes] = []
    end = run(either, tiny, "cat", stdin=source, keep_stdout=False, on_stdout=came.append)
    assert b"".join(came) == source.read_bytes()
    assert (end.exit_code, end.stdout) == (0, b"")


def test_the_limit_counts_what_is_not_kept(either, tiny):
    end = run(either, tiny, "yes", keep_stdout=False, stdout_limit=100_000)
    assert end.flooded
    assert end.stdout == b""


def test_who_reads_no_input_ends_all_the_same(either, tiny, tmp_path):
    (tmp_path / "input").write_bytes(b"x" * 5_000_000)
    assert run(either, tiny, "true", stdin=tmp_path / "input").exit_code == 0


def test_the_root_can_be_written_only_when_asked_for(either, tiny):
    write = ("sh", "-c", "echo made > /etc/made && cat /etc/made")
    assert run(either, tiny, *write).exit_code != 0
    assert run(either, tiny, *write, writable=True).stdout == b"made\n"
    assert run(either, tiny, "cat", "/etc/made", writable=True).exit_code != 0, "the image stays as it is"


def test_a_writable_container_has_the_capabilities_of_a_package_manager_alone(either, tiny):
    def bounding(**changes) -> int:
        end = run(either, tiny, "cat", "/proc/self/status", **changes)
        (line,) = [line for line in end.stdout.decode().splitlines() if line.startswith("CapBnd:")]
        return int(line.split()[1], 16)

    assert bounding() == 0
    wanted = {0, 1, 3, 4, 5, 6, 7, 18, 27, 31}  # by their numbers in linux/capability.h
    assert bounding(writable=True) == sum(1 << number for number in wanted)
    assert "NoNewPrivs:\t1" in run(either, tiny, "cat", "/proc/self/status", writable=True).stdout.decode()


def test_the_network_is_the_hosts_when_asked_for(either, tiny):
    with open("/proc/net/dev") as file:  # noqa: PTH123
        here = interfaces(file.read())
    inside = run(either, tiny, "cat", "/proc/net/dev", network="host").stdout.decode()
    assert {name for name in here if not name.startswith("veth")} <= interfaces(inside)
    assert interfaces(run(either, tiny, "cat", "/proc/net/dev").stdout.decode()) == {"lo"}
