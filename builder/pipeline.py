"""Strings the rooms together over many cells: each cell goes its own way through fetch, base, build and
verify; yields events.

One cell's failure is its own. Every cell that was begun ends in a `Result`, whatever happened.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from builder.cellwork import Work, build_cell, verify_cell
from builder.errors import EnvbuildError, InterruptedByUserError, Problem
from builder.events import Event, Outcome
from builder.image import Image
from builder.ports import Ports
from builder.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one cell. `image` and `verification` as far as it came; `problems` when it did not
    come through.
    """

    cell: str
    outcome: Outcome
    image: Image | None = None
    verification: Verification | None = None
    problems: tuple[Problem, ...] = ()
    log: Path | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to go about it: how many cells at once, whether the first failure ends all, and which stages."""

    jobs: int = 2
    fail_fast: bool = False
    build: bool = True
    verify: bool = True
    allow: frozenset[str] = field(default_factory=frozenset)


Events = Generator[Event, None, tuple[Result, ...]]


def run(works: Sequence[Work], ports: Ports, options: Options) -> Events:
    """Work on all cells, `options.jobs` at a time; the generator's value is one result per cell, in the order
    given.

    On Ctrl-C, what is under way is stopped and undone before `InterruptedByUserError` leaves here.
    """
    line: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(max_workers=options.jobs, thread_name_prefix="cell") as pool:
        futures = [pool.submit(_one, work, ports, options, line.put) for work in works]
        for future in futures:
            future.add_done_callback(lambda _: line.put(None))
        try:
            yield from _drain(line, len(futures))
        except BaseException as reason:
            _stop(futures, ports.cancel)
            if isinstance(reason, KeyboardInterrupt):
                raise InterruptedByUserError(
                    (Problem(message="interrupted; nothing half-made is left"),)
                ) from None
            raise
    return tuple(future.result() for future in futures)


def _drain(line: queue.SimpleQueue[Event | None], waiting: int) -> Generator[Event, None, None]:
    while waiting:
        event = line.get()
        if event is None:
            waiting -= 1
        else:
            yield event


def _stop(futures: Sequence[Future[Result]], cancel: threading.Event) -> None:
    """Ask everything to stop and wait until it has: containers are removed and nothing was tagged."""
    cancel.set()
    for future in futures:
        future.cancel()
    for future in futures:
        if not future.cancelled():
            future.exception()


def _one(work: Work, ports: Ports, options: Options, emit: Callable[[Event], None]) -> Result:
    """One cell through its stages. Never raises but for a bug: failures are in the result."""
    cell = work.recipe.cell.id
    if ports.cancel.is_set():
        return Result(cell=cell, outcome="cancelled", exit_code=1)
    result = _staged(work, ports, options, emit)
    if options.fail_fast and result.exit_code:
        ports.cancel.set()
    return result


def _staged(work: Work, ports: Ports, options: Options, emit: Callable[[Event], None]) -> Result:
    cell = work.recipe.cell.id
    image: Image | None = None
    try:
        image = build_cell(work, ports, emit) if options.build else work.built()
        if not options.verify:
            return Result(cell=cell, outcome="done", image=image, log=work.log)
        return _verified(work, image, verify_cell(work, image, ports, emit), options)
    except InterruptedByUserError:
        return Result(cell=cell, outcome="cancelled", image=image, log=work.log, exit_code=1)
    except EnvbuildError as error:
        code = error.exit_code
        return Result(
            cell=cell, outcome="failed", image=image, problems=error.problems, log=work.log, exit_code=code
        )


def _verified(work: Work, image: Image, verification: Verification, options: Options) -> Result:
    """The result that a verdict makes. Not verified is never passed: what is allowed by name only does not
    fail the run.
    """
    allowed = verification.status == "not verified" and verification.waits_for <= options.allow
    code = 0 if verification.status == "passed" or allowed else 1
    return Result(
        cell=work.recipe.cell.id,
        outcome=verification.status,
        image=image,
        verification=verification,
        log=work.log,
        exit_code=code,
    )
