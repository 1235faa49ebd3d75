"""A way out of a call that waits for the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from builder.errors import CellError, InterruptedByUserError, OutsideError


@contextmanager
def interruptible(cancel: threading.Event, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` from another thread when `cancel` is set; whatever then fails was an interruption."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if cancel.wait(0.1):
                # What fails here fails because the call is over; a thread's traceback would say otherwise.
                with suppress(Exception):
                    stop()
                return

    watcher = threading.Thread(target=watch, name="engine-watch", daemon=True)
    watcher.start()
    try:
        yield
    except (CellError, OutsideError) as error:
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted") from error
        raise
    finally:
        over.set()
        watcher.join()
    if cancel.is_set():
        raise InterruptedByUserError.of("interrupted")
