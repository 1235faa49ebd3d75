"""The signals that end a run as Ctrl-C does, with everything undone."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def listen() -> None:
    """End on SIGTERM and SIGHUP as on Ctrl-C: neither a CI system that gives up nor a terminal that is closed
    may leave containers behind. Under `nohup` SIGHUP stays ignored.
    """
    terminals = tuple(fd for fd in (1, 2) if os.isatty(fd))

    def call_off(number: int, frame: object) -> NoReturn:  # noqa: ARG001  the signature of a signal handler
        raise KeyboardInterrupt

    def hang_up(number: int, frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # a shell sends a second one, which must not end the undoing
        _silence(terminals)
        call_off(number, frame)

    signal.signal(signal.SIGTERM, call_off)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hang_up)


def _silence(terminals: tuple[int, ...]) -> None:
    """Nobody reads a closed terminal, and every write to it is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in terminals:
        os.dup2(nowhere, fd)
    os.close(nowhere)
