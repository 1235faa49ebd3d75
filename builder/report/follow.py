"""Shows a run while it goes: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

from builder.events import Event, Finished, Progressed, Started
from builder.pipeline import Events, Result


def short(step: str, width: int = 100) -> str:
    """A Dockerfile step for one line: without its mounts, spaces closed up, cut to `width` characters."""
    text = " ".join(word for word in step.split() if not word.startswith("--mount="))
    return text if len(text) <= width else text[: width - 1] + "…"


class Viewer(Protocol):
    """Something that is told each event."""

    def see(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def follow(events: Events, *, quiet: bool = False, verbose: bool = False) -> tuple[Result, ...]:
    """Drive a run to its end, showing it on standard error; the run's results."""
    viewer = _viewer(sys.stderr, quiet=quiet, verbose=verbose)
    try:
        while True:
            viewer.see(next(events))
    except StopIteration as stop:
        results: tuple[Result, ...] = stop.value
        return results
    finally:
        events.close()
        viewer.close()


def _viewer(stream: TextIO, *, quiet: bool, verbose: bool) -> Viewer:
    if quiet:
        return Silent()
    if stream.isatty() and not verbose:
        from builder.report.live import Live  # noqa: PLC0415  rich costs start-up time that only a terminal is worth

        return Live(stream)
    return Lines(stream, verbose=verbose)


class Silent:
    """Shows nothing; the summary tells all."""

    def see(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines:
    """One line for each new step: what a CI log wants. With `verbose` the build's own output too."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._begun = time.monotonic()
        self._last: dict[str, str] = {}

    def see(self, event: Event) -> None:
        """Print a step when it is new, and how a stage ended."""
        if isinstance(event, Started):
            return
        if isinstance(event, Finished):
            self._print(event.cell, f"{event.stage} {event.outcome} in {event.seconds:.1f} s")
            return
        self._step(event)

    def _step(self, event: Progressed) -> None:
        told = self._verbose or (event.stage != "verify" and event.step != "note")
        if event.step and told and self._last.get(event.cell) != event.step:
            self._last[event.cell] = event.step
            self._print(event.cell, f"{event.stage}: {short(event.step)}")
        if event.line is not None and (self._verbose or event.step == "note"):
            self._print(event.cell, f"  {event.line}")

    def _print(self, cell: str, text: str) -> None:
        print(f"[{time.monotonic() - self._begun:6.1f} s] {cell}: {text}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to restore."""
