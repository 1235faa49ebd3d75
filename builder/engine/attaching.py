"""An attached container's two-way stream: input in, output and errors apart, until it ends or must end."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Literal

Ending = Literal["ended", "late", "cancelled", "flooded"]
STDERR_KEPT = 64 * 1024
PIECE = 256 * 1024
HEADER = 8  # stream number, three zero bytes, length as big-endian 32 bits
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Output:
    """What came out: stdout up to `limit` bytes (handed on as it comes, and kept if `keep`), stderr's end."""

    def __init__(self, on_stdout: Callable[[bytes], None], limit: int, *, keep: bool = True) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.flooded = False
        self._on_stdout, self._left, self._keep = on_stdout, limit, keep
        self._frames = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take the frames apart; they may be torn anywhere."""
        self._frames += piece
        at = 0
        while len(self._frames) - at >= HEADER:
            end = at + HEADER + int.from_bytes(self._frames[at + 4 : at + HEADER], "big")
            if len(self._frames) < end:
                break
            self._take(self._frames[at], bytes(self._frames[at + HEADER : end]))
            at = end
        del self._frames[:at]

    def _take(self, stream: int, content: bytes) -> None:
        if stream == 2:
            self.stderr += content
            del self.stderr[:-STDERR_KEPT]
            return
        taken = content[: self._left]
        self.flooded = self.flooded or len(taken) < len(content)
        self._left -= len(taken)
        if self._keep:
            self.stdout += taken
        if taken:
            self._on_stdout(taken)


class Exchange:
    """Sends `stdin`, then its end, and receives meanwhile: one at a time would block on large amounts."""

    def __init__(self, channel: socket.socket, stdin: IO[bytes], output: Output) -> None:
        channel.setblocking(False)
        self._channel, self._output = channel, output
        self._stdin, self._left = stdin, memoryview(b"")
        self._closed = False

    def run(self, deadline: float, cancel: threading.Event) -> Ending:
        """Until the output ends, or `deadline` (of time.monotonic), or `cancel`, or too much output."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while True:
                if cancel.is_set():
                    return "cancelled"
                if self._output.flooded:
                    return "flooded"
                if time.monotonic() >= deadline:
                    return "late"
                wanted = selectors.EVENT_READ | (0 if self._closed else selectors.EVENT_WRITE)
                selector.modify(self._channel, wanted)
                for _, ready in selector.select(0.1):
                    if self._turn(ready):
                        return "ended"

    def _turn(self, ready: int) -> bool:
        if ready & selectors.EVENT_WRITE and not self._closed:
            self._send()
        return bool(ready & selectors.EVENT_READ) and self._receive()

    def _send(self) -> None:
        """One piece a turn, so that output is read and the clock looked at in between."""
        self._left = self._left or memoryview(self._stdin.read(PIECE))
        try:
            if self._left:
                self._left = self._left[self._channel.send(self._left) :]
                return
        except LATER:
            return
        except OSError:
            pass  # nobody reads it any more; what was written meanwhile is still to be read
        self._closed = True
        with suppress(OSError):
            if isinstance(self._channel, ssl.SSLSocket):
                self._channel.unwrap()  # says that no more comes; the answer to it is not waited for
            else:
                self._channel.shutdown(socket.SHUT_WR)

    def _receive(self) -> bool:
        try:
            while not self._output.flooded:
                piece = self._channel.recv(PIECE)
                if not piece:
                    return True
                self._output.feed(piece)
        except LATER:
            return False
        except OSError:
            return True  # a broken stream has ended; how the container did is asked of the engine
        return False
