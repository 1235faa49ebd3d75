"""An image → what is really in it, as one confined container of it tells."""

from __future__ import annotations

import secrets
from pathlib import Path

from builder.engine.api import RunEnd, RunRequest
from builder.papers import answer
from builder.papers.values import Contents, odd
from builder.ports import Ports

PREFIX = "/opt/env"
MOST = 32 * 1024**2  # bytes of the answer; a CUDA image's is below one
TIMEOUT = 300.0  # seconds: emulated architectures are slow
SCRIPT = Path(__file__).with_name("listing_script.py")

# Three answers, each between two lines that begin with this run's own nonce, the second with how it ended.
# The tools are the base's own, whatever PATH the image has. rpm asks a copy of its database: where nothing
# can be written, it cannot open one that SQLite keeps in two files.
QUESTION = r"""
nonce=$1 prefix=$2 listing=$3
PATH=/usr/sbin:/usr/bin:/sbin:/bin
framed() {
    name=$1
    shift
    printf '%s begin %s\n' "$nonce" "$name"
    "$@" < /dev/null
    printf '\n%s end %s %s\n' "$nonce" "$name" "$?"
}
release() {
    if [ -e /etc/os-release ]; then cat /etc/os-release; else cat /usr/lib/os-release; fi
}
rpms() {
    database=$(rpm --eval '%{_dbpath}') && cp -R "$database/." /tmp/rpm && rm -f /tmp/rpm/__db.* &&
        rpm --dbpath /tmp/rpm -qa --qf '%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\n'
}
framed os release
if [ -s /var/lib/dpkg/status ]; then
    framed dpkg dpkg-query -W -f \
        '${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n'
else
    framed rpm rpms
fi
framed python "$prefix/bin/python" -c "$listing"
"""


def contents(image: str, ports: Ports, prefix: str = PREFIX) -> Contents:
    """Everything that the image's own package managers know of; `image` by its name or id in the engine.

    The distributions are those that `pip list` of the environment at `prefix` shows, and `argparse` where it
    is installed, which pip keeps to itself. System packages of which only settings are left are not listed.

    Raises `CellError` for an answer that is not whole and plain, `OutsideError` where the engine fails.
    Nothing here notices an image that was made to lie: it tells of itself.
    """
    nonce = secrets.token_hex(16)
    request = RunRequest(
        image=image,
        command=("/bin/sh", "-c", QUESTION, "envbuild", nonce, prefix, SCRIPT.read_text(encoding="utf-8")),
        user="0:0",
        timeout=TIMEOUT,
        stdout_limit=MOST,
    )
    end = ports.engine.run(request, _unheard, ports.cancel)
    _check(end)
    return answer.read(end, nonce)


def _unheard(piece: bytes) -> None:
    """The whole is read when it has come."""
    del piece


def _check(end: RunEnd) -> None:
    if end.timed_out:
        raise odd(f"it took more than {TIMEOUT:.0f} s")
    if end.out_of_memory:
        raise odd("it ran out of memory")
    if end.flooded:
        raise odd(f"its answer is longer than {MOST >> 20} MiB")
    if end.exit_code:
        raise odd(answer.last_words(end) or f"exit code {end.exit_code}")
