"""A call that is called off just when it ends by itself."""

from __future__ import annotations

import threading

import pytest

from builder.engine.interruption import interruptible
from builder.errors import InterruptedByUserError


def test_a_call_that_is_over_when_it_is_called_off_leaves_no_traceback(monkeypatch) -> None:
    cancel, stopped, seen = threading.Event(), threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def stop() -> None:
        """Hang up on a response that was read to its end."""
        stopped.set()
        raise AttributeError("'NoneType' object has no attribute 'raw'")

    def call() -> None:
        with interruptible(cancel, stop):
            cancel.set()
            assert stopped.wait(20)

    with pytest.raises(InterruptedByUserError):
        call()
    assert seen == []
