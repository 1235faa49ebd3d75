"""Many cells' way into a registry: first all is proven and planned, then published, each with its record.

A cell that may not be published holds the others back, unless that was allowed by name.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from builder import image, records
from builder.cell import Aim
from builder.cellwork import Work, image_of, wanted
from builder.engine.api import Progress
from builder.errors import EnvbuildError, OutsideError, Problem
from builder.events import Event, Finished, Progressed, Started
from builder.lock import Lock
from builder.release import (
    Other,
    Outside,
    Plan,
    Pointer,
    Present,
    Release,
    Target,
    Verified,
    planned,
    point,
    pointer,
    publish,
    there,
    through_engine,
)
from builder.release.through_engine import NO_POINTERS, ByEngine, Handing
from builder.release.values import refused

AT_ONCE = 4  # cells on their way; `Shared` bounds packing and sending

Emit = Callable[[Event], None]
Through = Outside | ByEngine  # the registry itself, or by way of the engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A cell, the lock that it is in, and where its image goes."""

    work: Work
    lock: Lock | None
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of one cell. `plan` as far as it came; `release` once all of it is in the registry."""

    cell: str
    plan: Plan | Handing | None = None
    release: Release | None = None
    problems: tuple[Problem, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to publish, all of it to `path`. `aims` are the tags of several cells; `other` knows the cells
    that this run is not about; `fixed` tells tags that must not move. `partial` publishes although some cell
    may not be; `dry` publishes nothing.
    """

    ways: tuple[Way, ...]
    path: str
    aims: tuple[Aim, ...]
    other: Callable[[str], Other | None]
    fixed: Callable[[str], bool]
    partial: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all of it; `stopped` where cells that may not be published held the others back."""

    cells: tuple[Published, ...]
    pointers: tuple[Pointer, ...]
    stopped: bool
    dry: bool

    @property
    def exit_code(self) -> int:
        """The worst of all."""
        return max((*(one.exit_code for one in self.cells), *(one.exit_code for one in self.pointers)))


def run(order: Order, outside: Through, emit: Emit) -> Outcome:
    """All is proven and planned first; then images, each with its tags; aliases at the end.

    What one cell or one alias fails at is told in the outcome. Raises `OutsideError` where the registry
    cannot even be asked what it has for an alias.
    """
    cells = _each(lambda way: _planned(way, outside, emit), order.ways, outside)
    present, pointers = _pointers(order, cells, outside)
    stopped = any(one.exit_code for one in cells) and not order.partial
    if not stopped and not order.dry:
        by_cell = {one.cell: one for one in cells}

        def step(way: Way) -> Published:
            return _published(way, by_cell[way.work.recipe.cell.id], outside, emit)

        cells = _each(step, order.ways, outside)
        published = present - {one.cell for one in cells if not one.release}
        if isinstance(outside, Outside):
            pointers = tuple(_pointed(one, published, order.path, outside) for one in pointers)
    return Outcome(cells=cells, pointers=pointers, stopped=stopped, dry=order.dry)


def _pointers(
    order: Order, cells: Sequence[Published], outside: Through
) -> tuple[set[str], tuple[Pointer, ...]]:
    """The cells that are in the registry or about to be, and what becomes of the tags that stand for them."""
    if isinstance(outside, ByEngine):
        return set(), tuple(Pointer(aim=aim, left=NO_POINTERS) for aim in order.aims)
    ours = {one.cell: _present(one.plan) for one in cells if isinstance(one.plan, Plan)}
    present = {**_others(order, outside), **ours}
    found = (pointer(aim, present, order.path, outside, fixed=order.fixed(aim.tag)) for aim in order.aims)
    return set(present), tuple(found)


def _others(order: Order, outside: Outside) -> dict[str, Present]:
    """What other runs published of the cells that a tag stands for."""
    ours = {way.work.recipe.cell.id for way in order.ways}
    names = dict.fromkeys(cell for aim in order.aims for cell in aim.cells if cell not in ours)
    found = {cell: there(other, order.path, outside) for cell in names if (other := order.other(cell))}
    return {cell: one for cell, one in found.items() if one}


def _present(plan: Plan) -> Present:
    return Present(platform=plan.verified.locked.base.platform, body=plan.body)


def _pointed(one: Pointer, published: Collection[str], path: str, outside: Outside) -> Pointer:
    try:
        return point(one, published, path, outside)
    except OutsideError as error:
        told = "; ".join(problem.message for problem in error.problems)
        return dataclasses.replace(one, left=told, exit_code=error.exit_code)


def _each(step: Callable[[Way], Published], ways: Sequence[Way], outside: Through) -> tuple[Published, ...]:
    """All cells through one step; on Ctrl-C what is under way is asked to stop, and waited for."""
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="publish") as pool:
        futures = [pool.submit(step, way) for way in ways]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            outside.ports.cancel.set()
            pool.shutdown(cancel_futures=True)
            raise


def _planned(way: Way, outside: Through, emit: Emit) -> Published:
    work, cell = way.work, way.work.recipe.cell.id
    tell = _teller(cell, emit)
    emit(Started(cell=cell, stage="publish"))
    try:
        built = image_of(work, outside.ports)
        if way.lock is None or work.locked is None:
            raise refused(cell, "there is no lock of it", hint="`envbuild lock MATRIX` makes it")
        proof = records.read_verification(work.folder)
        if proof is None:
            record = work.folder / "verification.json"
            damaged = f"{record} is not a record that can be read"
            raise refused(cell, damaged if os.path.lexists(record) else "it was not verified")
        made, _ = image.make(work.locked, dataclasses.replace(outside.ports, ahead=False), tell)
        verified = Verified(
            image=built,
            proof=proof,
            level=work.settings.level,
            wanted=wanted(work, built),
            made=made,
            locked=work.locked,
            lock=way.lock,
        )
        if isinstance(outside, ByEngine):
            return Published(cell=cell, plan=through_engine.planned(verified, way.target, outside))
        return Published(cell=cell, plan=planned(verified, way.target, outside, tell))
    except EnvbuildError as error:
        return _failed(cell, error, emit)


def _published(way: Way, found: Published, outside: Through, emit: Emit) -> Published:
    if found.plan is None:
        return found
    begun = time.monotonic()
    try:
        done = _release(found.plan, outside, _teller(found.cell, emit))
    except EnvbuildError as error:
        return _failed(found.cell, error, emit, found.plan, time.monotonic() - begun)
    try:
        records.write(way.work.folder, "release", done, done.image)
    except OSError as error:  # it is published all the same
        note = f"{way.work.folder / 'release.json'} was not written: {error.strerror or error}"
        emit(Progressed(cell=found.cell, stage="publish", step="note", line=note))
    spent = time.monotonic() - begun
    emit(Finished(cell=found.cell, stage="publish", outcome="done", seconds=spent))
    return Published(cell=found.cell, plan=found.plan, release=done)


def _release(plan: Plan | Handing, outside: Through, tell: Callable[[Progress], None]) -> Release:
    if isinstance(outside, ByEngine):
        assert isinstance(plan, Handing)  # noqa: S101  # it was planned for this way
        return through_engine.publish(plan, outside, tell)
    assert isinstance(plan, Plan)  # noqa: S101
    return publish(plan, outside, tell)


def _failed(
    cell: str, error: EnvbuildError, emit: Emit, plan: Plan | Handing | None = None, spent: float = 0.0
) -> Published:
    told = tuple(problem.message for problem in error.problems)
    emit(Finished(cell=cell, stage="publish", outcome="failed", seconds=spent, detail=told))
    return Published(cell=cell, plan=plan, problems=error.problems, exit_code=error.exit_code)


def _teller(cell: str, emit: Emit) -> Callable[[Progress], None]:
    """Passes on what is under way, and not what is over."""

    def tell(progress: Progress) -> None:
        if not progress.done:
            step, now, total = progress.step, progress.current, progress.total
            emit(Progressed(cell=cell, stage="publish", step=step, current=now, total=total))

    return tell
