"""envbuild without an engine, to be run as a program of its own: `python -m tests.screens.play HOW COMMAND…`.

HOW: `pass` (all is well), `wait` (builds wait until they are called off), `deaf` (builds that never end).
"""

import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from builder.cli import main, running
from builder.engine.api import BuildRequest, Progress
from builder.ports import Ports, Shared
from tests.screens.stand_ins import Engine, ports, reports


class Slow(Engine):
    """Builds that tell their step and then wait."""

    def __init__(self, how: str) -> None:
        super().__init__(on_run=reports())
        self._how = how

    def build(self, request: BuildRequest, on_progress, cancel: threading.Event) -> str:
        if self._how != "pass":
            step = "[os 2/4] RUN --mount=type=bind,source=os apt-get install"
            on_progress(Progress(step=step, current=12_000_000, total=188_000_000))
            (cancel if self._how == "wait" else threading.Event()).wait()
        return super().build(request, on_progress, cancel)


def play(how: str) -> None:
    @contextlib.contextmanager
    def opened(engine: str | None, jobs: int) -> Iterator[Ports]:
        with tempfile.TemporaryDirectory() as folder:
            outside = replace(ports(Path(folder), Slow(how)), shared=Shared(jobs))
            yield outside
            outside.shared.settle()  # or the folder could not be removed

    running.ports = opened
    main()


if __name__ == "__main__":
    sys.argv = ["envbuild", *sys.argv[2:]] if (how := sys.argv[1]) else []
    play(how)
