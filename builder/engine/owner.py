"""Whose container is it: a label that tells this process from all others, and whether its writer lives."""

from __future__ import annotations

import os
import platform
from pathlib import Path

LABEL = "org.envbuild.run"


def mine() -> str:
    """This process: machine, boot, process namespace, process id and its start, joined by slashes.

    The id alone would not do: it is used again after a reboot, and at the same time in another container.
    """
    pid = os.getpid()
    return "/".join((_machine(), _boot(), _namespace(), str(pid), _start(pid)))


def is_gone(owner: str, *, running: bool) -> bool:
    """Whether the process that wrote `owner` is surely over. Where that cannot be known from here: no."""
    try:
        machine, boot, namespace, pid, start = owner.split("/")
        number = int(pid)
    except ValueError:
        return False
    if machine != _machine():
        return False
    if boot != _boot():
        # Another boot of this machine — or, behind a shared engine, its clone: a running container stays.
        return not running
    return namespace == _namespace() and _start(number) != start


def _machine() -> str:
    return f"{_read('/etc/machine-id')}+{platform.node()}".replace("/", "_")


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _start(pid: int) -> str:
    """When a process began, in clock ticks since boot; "gone" without one, "alive" without /proc."""
    stat = _read(f"/proc/{pid}/stat")
    if stat:
        # The name in parentheses may hold anything, so count from its end; the start is field 22 of proc(5).
        return stat.rpartition(")")[2].split()[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except OSError:
        pass
    return "alive"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
