"""Strings the rooms together over many cells: each cell goes its own way through fetch, base, build and
verify; yields events.

One cell's failure is its own. Every cell that was begun ends in a `Result`, whatever happened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import traceback
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from builder import files
from builder.cellwork import Work, build_cell, image_of, verify_cell
from builder.errors import EnvbuildError, InterruptedByUserError, OutsideError, Problem
from builder.events import Event, Finished, Outcome, Stage
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
    kept: tuple[Stage, ...] = ()  # what was not done again, because nothing of it had changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to go about it: how many cells at once, whether the first failure ends all, and which stages."""

    jobs: int = 2
    fail_fast: bool = False
    build: bool = True
    verify: bool = True
    allow: frozenset[str] = field(default_factory=frozenset)


AHEAD = 6

Events = Generator[Event, None, tuple[Result, ...]]


def run(works: Sequence[Work], ports: Ports, options: Options) -> Events:
    """Work on all cells, `options.jobs` at a time; the generator's value is one result per cell, in the order
    given.

    On Ctrl-C (`KeyboardInterrupt`, at home or thrown in) what is under way is stopped and undone, and the
    results tell what was; a second one leaves at once.
    """
    line = _Line(len(works))
    # More cells than jobs are on their way: most of them wait for what they share with others (`Shared`).
    pool = ThreadPoolExecutor(max_workers=AHEAD + options.jobs, thread_name_prefix="cell")
    futures = [pool.submit(_one, work, ports, options, line.put) for work in works]
    for future in futures:
        future.add_done_callback(lambda _: line.put(None))
    stopped_by = 1
    try:
        try:
            yield from line.events()
        except KeyboardInterrupt:
            stopped_by = InterruptedByUserError.exit_code
            ports.cancel.set()
            yield from line.events()
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        ports.cancel.set()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return tuple(_ended(future.result(), stopped_by) for future in futures)


class _Line:
    """Where workers put their events, and one None at the end of each cell."""

    def __init__(self, cells: int) -> None:
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._waiting = cells
        self.put = self._queue.put

    def events(self) -> Generator[Event, None, None]:
        """Events until the last cell has ended; can be asked again where it was left."""
        while self._waiting:
            event = self._queue.get()
            if event is None:
                self._waiting -= 1
            else:
                yield event


def _ended(result: Result, stopped_by: int) -> Result:
    """The result, with the exit code of what stopped it where something did."""
    stopped = result.outcome in ("cancelled", "skipped")
    return dataclasses.replace(result, exit_code=stopped_by) if stopped else result


def _one(work: Work, ports: Ports, options: Options, emit: Callable[[Event], None]) -> Result:
    """One cell through its stages. Never raises: failures are in the result, and so are bugs."""
    cell = work.recipe.cell.id
    if ports.cancel.is_set():
        return Result(cell=cell, outcome="skipped")
    kept: list[Stage] = []

    def tell(event: Event) -> None:
        if isinstance(event, Finished) and event.outcome == "kept":
            kept.append(event.stage)
        emit(event)

    try:
        result = dataclasses.replace(_staged(work, ports, options, tell), kept=tuple(kept))
    except Exception as error:  # noqa: BLE001  one worker's bug must not lose what the others found
        result = _bug(work, error)
    if options.fail_fast and result.exit_code:
        ports.cancel.set()
    return result


def _bug(work: Work, error: Exception) -> Result:
    """A bug's result: its traceback goes beside the cell's records, not on the screen."""
    place = work.folder / "bug.txt"
    with contextlib.suppress(OSError):
        files.write(place, "".join(traceback.format_exception(error)).encode())
    problem = Problem(
        message=f"bug in envbuild: {type(error).__name__}: {error}", hint=f"please report it with {place}"
    )
    return Result(cell=work.recipe.cell.id, outcome="error", problems=(problem,), exit_code=3)


def _staged(work: Work, ports: Ports, options: Options, emit: Callable[[Event], None]) -> Result:
    cell = work.recipe.cell.id
    image: Image | None = None
    try:
        if options.build and work.locked is not None:
            image = build_cell(work, work.locked, ports, emit)
        else:
            image = image_of(work, ports)
        if not options.verify:
            return Result(cell=cell, outcome="done", image=image, log=work.log)
        return _verified(work, image, verify_cell(work, image, ports, emit), options)
    except InterruptedByUserError:
        return Result(cell=cell, outcome="cancelled", image=image, log=work.log)
    except EnvbuildError as error:
        if ports.cancel.is_set():  # a program that Ctrl-C reached as well ends with an error of its own
            return Result(cell=cell, outcome="cancelled", image=image, log=work.log)
        code, problems = error.exit_code, error.problems
    except OSError as error:
        code, problems = OutsideError.exit_code, (_file_trouble(error),)
    return Result(cell=cell, outcome="failed", image=image, problems=problems, log=work.log, exit_code=code)


def _file_trouble(error: OSError) -> Problem:
    """A file of ours that could not be written or read."""
    where = f"{error.filename}: " if error.filename else ""
    hint = "check the path, its permissions and the space that is left"
    return Problem(message=f"{where}{error.strerror or error}", hint=hint)


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
