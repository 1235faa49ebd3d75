"""Shows a run while it goes: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TextIO

from builder.events import Event, Finished, Progressed, Stage
from builder.pipeline import Events, Result
from builder.report import github
from builder.report.estimate import Took
from builder.report.figures import duration
from builder.report.look import shown
from builder.report.problems import brief, step

NOTES = ("note", "bootstrap")  # steps whose lines a user should know of, for example where torch came from
DULL = ("note", "resolve packages")  # steps that name no work of their own in a log


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How much to show of a run of `cells` cells, each of which goes through `stages`."""

    cells: int
    stages: tuple[Stage, ...]
    stopping: threading.Event  # set when the run was told to stop
    at_once: int = 1  # how many cells are on their way at once
    took: Callable[[], Took] = dict  # asked once, where it is shown how long the run may still take
    quiet: bool = False
    verbose: bool = False
    checks: bool = False  # whether each check of a verification has a line of its own


class Viewer(Protocol):
    """Something that is told each event."""

    def see(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def follow(events: Events, view: View) -> tuple[Result, ...]:
    """Drive a run to its end, showing it on standard error; the run's results.

    Ctrl-C is the run's to deal with, wherever it strikes: cells stop, and the results tell of it.
    """
    with watching(view) as viewer:
        try:
            event = next(events)
            while True:
                event = _shown(event, events, viewer)
        except StopIteration as stop:
            results: tuple[Result, ...] = stop.value
            return results
        finally:
            events.close()


def _shown(event: Event, events: Events, viewer: Viewer) -> Event:
    """Show an event; the next one."""
    try:
        viewer.see(event)
    except KeyboardInterrupt as interrupt:
        return events.throw(interrupt)
    return next(events)


@contextmanager
def watching(view: View) -> Iterator[Viewer]:
    """The viewer that fits standard error, open for as long as the block lasts."""
    viewer = _viewer(sys.stderr, view)
    try:
        yield viewer
    finally:
        viewer.close()


def _viewer(stream: TextIO, view: View) -> Viewer:
    if view.quiet:
        return Silent()
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not view.verbose:
        from builder.report.live import Live  # noqa: PLC0415  rich costs start-up time that only a terminal is worth

        return Live(stream, view)
    return Lines(stream, verbose=view.verbose, checks=view.checks)


class Silent:
    """Shows nothing; the summary tells all."""

    def see(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines:
    """One line for each new step: what a CI log wants. With `verbose` the build's own output too."""

    def __init__(self, stream: TextIO, *, verbose: bool, checks: bool = False) -> None:
        self._stream, self._verbose, self._checks = stream, verbose, checks or verbose
        self._begun = time.monotonic()
        self._told: set[tuple[str, str, str]] = set()
        self._notes: set[str] = set()  # told once, though many cells have them

    def see(self, event: Event) -> None:
        """Print a step when it is new, and how a stage ended."""
        if isinstance(event, Finished):
            why = f": {brief(event.detail[0])}" if event.detail else ""
            self._print(event.cell, f"{event.stage} {event.outcome} in {duration(event.seconds)}{why}")
        elif isinstance(event, Progressed):
            self._step(event)
        elif event.stage == "verify":
            self._print(event.cell, "verify: in a container of its own")

    def _step(self, event: Progressed) -> None:
        named = (event.cell, event.stage, event.step)
        told = self._checks if event.stage == "verify" else self._verbose or event.step not in DULL
        if event.step and told and named not in self._told:
            self._told.add(named)
            self._print(event.cell, f"{event.stage}: {step(event.step)}")
        if event.line is None:
            return
        if event.step in NOTES and event.line not in self._notes:
            self._notes.add(event.line)
            self._print(event.cell, f"note: {event.line}")
        elif self._verbose and event.step not in NOTES:
            self._print(event.cell, f"  {event.line}")

    def _print(self, cell: str, text: str) -> None:
        line = shown(f"[{time.monotonic() - self._begun:6.1f} s] {cell}: {text}")
        line = github.harmless(line) if github.running() else line
        with suppress(BrokenPipeError):  # who read it has gone (`2>&1 | head`); the work goes on
            print(line, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to restore."""
