"""One confined container in which the verifier runs, and the records that it sent; no verdict is made."""

from __future__ import annotations

import json
import secrets
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder import plainjson
from builder.bundle import bundle
from builder.engine.api import Engine, RunEnd, RunRequest
from builder.matrix import VerifySettings

MNIST_FOLDER = "/data/mnist"
MARK = "envbuild-record"
LINE_LIMIT = (
    1024 * 1024
)  # bytes; a record is far smaller, and a container must not fill this machine's memory

# Sent to `python -c`: reads two lengths, then the verifier and its configuration, and becomes the verifier. A
# file is needed because
# its worker processes run it again; standard input works with an engine on another machine, where a mount
# would not.
BOOT = """\
import os, sys
r = sys.stdin.buffer
n, m = int(r.readline()), int(r.readline())
d = "/tmp/envbuild-%d" % os.getuid()
os.makedirs(d)
for name, size in (("verify.pyz", n), ("config.json", m)):
    with open(os.path.join(d, name), "wb") as f:
        f.write(r.read(size))
os.execv(sys.executable, [sys.executable, os.path.join(d, "verify.pyz"), os.path.join(d, "config.json")])
"""

# CentOS 7's `python` is 2.7, so the first Python 3 on PATH is taken, an environment's own `python` before the
# system's `python3`.
LAUNCH = """\
%s
for p in python python3 /opt/env/bin/python /opt/conda/bin/python; do
  if command -v "$p" >/dev/null 2>&1 && "$p" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null;
  then exec "$p" -c %s; fi
done
echo 'there is no Python 3.6 or newer in this image' >&2
exit 127
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is tried: an image, what it claims to be (or None), and how hard to look."""

    image: str
    claim: dict[str, Any] | None
    settings: VerifySettings
    gpus: bool = False
    mnist: str | None = None  # folder on the engine's machine
    only: tuple[str, ...] = ()
    user: str | None = None
    homeless: bool = False  # whether HOME is taken out of the environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it: the verifier's records, in order, and how the container ended."""

    records: tuple[dict[str, Any], ...]
    end: RunEnd


OnRecord = Callable[[dict[str, Any]], None]


class Records:
    """Cuts a stream into lines and keeps those that are records of this run."""

    def __init__(self, nonce: str, on_record: OnRecord) -> None:
        self._prefix = f"{MARK} {nonce} ".encode()
        self._on_record = on_record
        self._rest = b""
        self.records: list[dict[str, Any]] = []

    def feed(self, chunk: bytes) -> None:
        """Take in what came."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:LINE_LIMIT]
        for line in lines:
            if line.startswith(self._prefix):
                self._keep(line[len(self._prefix) :])

    def _keep(self, text: bytes) -> None:
        try:
            record = plainjson.loads(text)
        except ValueError:
            return
        if isinstance(record, dict):
            self.records.append(record)
            self._on_record(record)


def run(subject: Subject, engine: Engine, on_record: OnRecord, cancel: threading.Event) -> Trial:
    """Run the verifier in a container of `subject.image` to its end, whatever that is.

    Raises `OutsideError` where the engine cannot run containers of the image at all.
    """
    nonce = secrets.token_hex(16)
    lines = Records(nonce, on_record)
    request = _request(subject, nonce)
    end = engine.run(request, lines.feed, cancel)
    return Trial(records=tuple(lines.records), end=end)


def configuration(subject: Subject, nonce: str, mnist: str | None) -> bytes:
    """What the verifier is told; `mnist` is the folder as it sees it."""
    settings = subject.settings
    config = {
        "nonce": nonce,
        "level": settings.level,
        "epochs": settings.epochs,
        "claim": subject.claim,
        "gpu": subject.gpus,
        "gpus": list(settings.gpus),
        "mnist": mnist,
        "only": list(subject.only) or None,
        "time_limit": settings.timeout,
    }
    return json.dumps(config).encode()


def _request(subject: Subject, nonce: str) -> RunRequest:
    settings = subject.settings
    code, options = bundle(), configuration(subject, nonce, MNIST_FOLDER if subject.mnist else None)
    unset = "unset HOME" if subject.homeless else ":"
    return RunRequest(
        image=subject.image,
        entrypoint=("/bin/sh", "-c"),
        command=(LAUNCH % (unset, shlex.quote(BOOT)),),
        stdin=b"%d\n%d\n" % (len(code), len(options)) + code + options,
        user=subject.user,
        memory=settings.memory,
        timeout=float(settings.timeout),
        shm=(2048 if subject.gpus else 256)
        * 1024**2,  # NCCL takes segments of 10 MB a channel; Docker's own 64 MB are too few
        gpus=subject.gpus,
        mounts=((subject.mnist, MNIST_FOLDER),) if subject.mnist else (),
    )
