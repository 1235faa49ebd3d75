"""The verifier in an environment of this machine, without a container: for a job that runs inside the image
already, and for a bare machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeAlias

from builder.bundle import bundle
from builder.engine.api import RunEnd
from builder.errors import InputError
from builder.trial import OnRecord, Records, Subject, Trial, configuration

HAS_TORCH = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
KEPT = 64 * 1024  # bytes of standard error
LOOK, GRACE = 0.2, 30.0  # seconds between two looks at whether to go on; beyond the verifier's own limit
NAMES = ("python", "python3")
Process: TypeAlias = "subprocess.Popen[bytes]"


def interpreter(env: Mapping[str, str] = os.environ) -> str:
    """The Python to try: the first on PATH that has torch, or envbuild's own if that has it.

    Where none has, the first: that torch cannot be imported is an answer. Raises `InputError` without any.
    """
    named = (shutil.which(name, path=env.get("PATH")) for name in NAMES)
    found = list(dict.fromkeys(path for path in (*named, sys.executable) if path))
    if not found:
        raise InputError.of("there is no Python on PATH", hint="name one: --python PATH")
    return next((path for path in found if _has_torch(path)), found[0])


def run(python: str, subject: Subject, on_record: OnRecord, cancel: threading.Event) -> Trial:
    """The verifier by that interpreter, in a folder of its own and in a process group that ends with it.

    Raises `InputError` for a file that is no Python.
    """
    nonce = secrets.token_hex(16)
    lines = Records(nonce, on_record)
    with tempfile.TemporaryDirectory(prefix="envbuild-") as name:
        code, config = Path(name) / "verify.pyz", Path(name) / "config.json"
        code.write_bytes(bundle())
        config.write_bytes(configuration(subject, nonce, subject.mnist))
        with (Path(name) / "said").open("w+b") as said:
            begun = time.monotonic()
            process = _started([python, str(code), str(config)], name, said)
            late = _watched(process, lines, cancel, begun + subject.settings.timeout + GRACE)
            end = RunEnd(
                exit_code=_code(process.returncode),
                out_of_memory=False,
                timed_out=late,
                stdout=b"",
                stderr=_tail(said),
                seconds=time.monotonic() - begun,
            )
    return Trial(records=tuple(lines.records), end=end)


def _started(command: list[str], folder: str, said: IO[bytes]) -> Process:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
    except OSError as error:
        message = f"{command[0]} cannot be run: {error.strerror or error}"
        raise InputError.of(message, hint="name a Python: --python PATH") from error


def _watched(process: Process, lines: Records, cancel: threading.Event, deadline: float) -> bool:
    """Take in what it says until it ends; whether it had to be ended for its time."""
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    late = False
    try:
        while process.poll() is None:
            late = time.monotonic() > deadline
            if late or cancel.is_set():
                break
            cancel.wait(LOOK) if reader.is_alive() else process.wait()
    finally:
        _ended(process)
        reader.join(GRACE)
    return late


def _read(stream: IO[bytes] | None, lines: Records) -> None:
    while stream and (chunk := os.read(stream.fileno(), 1 << 16)):
        lines.feed(chunk)


def _ended(process: Process) -> None:
    """End what is left of its group: workers may outlive who started them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _code(code: int) -> int:
    """As a shell and an engine tell the end by a signal."""
    return 128 - code if code < 0 else code


def _tail(said: IO[bytes]) -> bytes:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - KEPT))
    return said.read()


def _has_torch(python: str) -> bool:
    try:
        end = subprocess.run([python, "-c", HAS_TORCH], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return end.returncode == 0
