"""One cell's way through the rooms: from its recipe to an image, from the image to a verdict, with its log
and its records.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from builder import image, records, verification
from builder.engine.api import Progress
from builder.errors import CellError, EnvbuildError, InterruptedByUserError, Problem
from builder.events import Event, Finished, Outcome, Progressed, Stage, Started
from builder.image import Image, Locked
from builder.matrix import VerifySettings
from builder.ports import Ports
from builder.recipe import Recipe
from builder.timeline import Timeline
from builder.trial import Subject
from builder.verification import Verification

CANCELLED = "== cancelled"  # the last line of the log of what was stopped
Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A recipe with what is locked for it, which base it wants, and the folder for its log and records.

    `budget` is the largest size allowed, in bytes. `force` builds what could be kept, `reverify` verifies it.
    """

    recipe: Recipe
    locked: Locked | None  # None where an image is only verified, and no lock is there
    folder: Path
    settings: VerifySettings
    budget: int | None = None
    gpus: bool = False
    mnist: str | None = None
    force: bool = False
    reverify: bool = False

    @property
    def log(self) -> Path:
        """The whole output of this cell's build."""
        return self.folder / "build.log"


def image_of(work: Work, ports: Ports) -> Image:
    """The image of an earlier build of this very recipe, still in the engine; else `CellError`."""
    found = records.read_image(work.folder)
    if found is None:
        raise _not_built(work, "this cell is not built yet")
    if found.recipe != work.recipe.digest:
        raise _not_built(work, "the matrix or the templates changed since this cell was built")
    if work.locked is not None and found.inputs != work.locked.inputs:
        raise _not_built(work, "the lock changed since this cell was built")
    if ports.stored(found.stored) is None:
        raise _not_built(work, f"the engine no longer has the image that was built ({found.id[:19]})")
    _check_budget(work, found.size)
    for tag in work.recipe.cell.tags:
        named = ports.stored(tag)
        if named != found.stored:
            state = "names another image" if named else "is gone"
            raise _not_built(work, f"{tag} {state}: it is not what was built")
    return found


def _not_built(work: Work, message: str) -> CellError:
    hint = "run `envbuild build` first, or `envbuild up`, which builds and verifies"
    return CellError((Problem(message=message, hint=hint, cell=work.recipe.cell.id),))


@dataclass(slots=True, kw_only=True)
class _Stage:
    """One stage of one cell: its progress goes to the log and out as events."""

    cell: str
    name: Stage
    emit: Emit
    log: TextIO
    step: str = ""
    told: set[str] = field(default_factory=set)  # steps
    outcome: Outcome | None = None  # where it is more than "done"
    over: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, progress: Progress) -> None:
        """Pass one piece of progress on.

        Work that other cells wait for, too, goes on when this cell has failed: nobody is told of it here.
        """
        with self.guard:
            if not self.over:
                self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        """The log gets each step's name once, and again where lines of it follow on those of another."""
        new = progress.step not in self.told
        if progress.step and progress.step != self.step and (new or progress.line is not None):
            self.step = progress.step
            self.told.add(progress.step)
            self.log.write(f"-- {progress.step}\n")
        if progress.line is not None:
            self.log.write(f"{progress.line}\n")
        self.emit(
            Progressed(
                cell=self.cell,
                stage=self.name,
                step=progress.step,
                current=progress.current,
                total=progress.total,
                line=progress.line,
                done=progress.done,
            )
        )

    def stopping(self, cancel: threading.Event) -> Callable[[Progress], None]:
        """`tell` for a download or a pull, which nothing else can stop: it raises when `cancel` is set."""

        def tell(progress: Progress) -> None:
            if cancel.is_set():
                raise InterruptedByUserError((Problem(message="interrupted", cell=self.cell),))
            self.tell(progress)

        return tell


@contextmanager
def _stage(cell: str, name: Stage, emit: Emit, log: TextIO, timeline: Timeline) -> Iterator[_Stage]:
    """A stage from Started to Finished, also when it fails."""
    begun = time.monotonic()
    stage = _Stage(cell=cell, name=name, emit=emit, log=log)
    detail: tuple[str, ...] = ()
    emit(Started(cell=cell, stage=name))
    log.write(f"== {name}\n")
    try:
        with timeline.within(timeline.opened(name, cell)):
            yield stage
        stage.outcome = stage.outcome or "done"
    except InterruptedByUserError:
        stage.outcome = "cancelled"
        log.write(CANCELLED + "\n")
        raise
    except EnvbuildError as error:
        stage.outcome = "failed"
        detail = tuple(line for problem in error.problems for line in problem.message.splitlines())
        log.writelines(f"{line}\n" for line in detail)
        raise
    finally:
        with stage.guard:
            stage.over = True
        log.flush()
        spent = time.monotonic() - begun
        emit(Finished(cell=cell, stage=name, outcome=stage.outcome or "error", seconds=spent, detail=detail))


def kept(work: Work, locked: Locked, ports: Ports) -> Image | None:
    """The image of an earlier build from the very same inputs, still in the engine under all of its tags."""
    found = None if work.force else records.read_image(work.folder)
    if found is None or found.inputs != locked.inputs or found.tags != work.recipe.cell.tags:
        return None
    _check_budget(work, found.size)
    return found if all(ports.stored(name) == found.stored for name in (found.stored, *found.tags)) else None


def build_cell(work: Work, locked: Locked, ports: Ports, emit: Emit) -> Image:
    """Fetch and build one cell, tag the image and write `image.json`; nothing of it where nothing changed.

    Raises `CellError` when the cell is at fault and `OutsideError` when engine, registry or index are; then
    no tag is put.
    """
    cell = work.recipe.cell.id
    found = kept(work, locked, ports)
    if found is not None:
        emit(Finished(cell=cell, stage="build", outcome="kept", seconds=0.0))
        return found
    begun, timeline = time.monotonic(), ports.shared.timeline
    work.folder.mkdir(parents=True, exist_ok=True)
    (work.folder / "image.json").unlink(missing_ok=True)  # a record must never outlive what it tells of
    (work.folder / "verification.json").unlink(missing_ok=True)
    with work.log.open("w", encoding="utf-8") as log:
        with _stage(cell, "fetch", emit, log, timeline) as stage, timeline.busy():
            image.fetch(locked, ports, stage.stopping(ports.cancel))
        with _stage(cell, "build", emit, log, timeline) as stage:
            tell = stage.stopping(ports.cancel)
            made, parts = image.make(locked, ports, tell)
            stored = image.load(made, ports, tell)
            size = _within_budget(work, ports, stored)
            _tag(work, ports, stored)
    result = Image(
        cell=cell,
        id=made.id,
        stored=stored,
        tags=work.recipe.cell.tags,
        size=size,
        base=locked.base.reference,
        origin=locked.base.origin,
        recipe=work.recipe.digest,
        inputs=locked.inputs,
        packages=tuple(sorted((pin.name, pin.version) for pin in locked.cell.wheels)),
        layers=image.pieces(parts),
        seconds=round(time.monotonic() - begun, 3),
    )
    records.write(work.folder, "image", result, locked.inputs)
    return result


def _within_budget(work: Work, ports: Ports, built: str) -> int:
    """The image's size. Raises `CellError` when that is more than the matrix allows; then it gets no tag."""
    found = ports.engine.find(built)
    if found is None:
        return 0
    _check_budget(work, found.size)
    return found.size


def _check_budget(work: Work, size: int) -> None:
    if work.budget is not None and size > work.budget:
        message = f"the image takes {size / 1e9:.2f} GB, its budget is {work.budget / 1e9:.2f} GB"
        hint = "raise budget.size, or take packages away"
        raise CellError((Problem(message=message, hint=hint, cell=work.recipe.cell.id),))


def _tag(work: Work, ports: Ports, built: str) -> None:
    """Put all tags, or none of them when this is interrupted."""
    if ports.cancel.is_set():
        raise InterruptedByUserError(
            (Problem(message="interrupted before the image was tagged", cell=work.recipe.cell.id),)
        )
    for reference in work.recipe.cell.tags:
        ports.engine.tag(built, reference)


def verify_cell(work: Work, built: Image, ports: Ports, emit: Emit) -> Verification:
    """Verify one image against its recipe's claim and write `verification.json`.

    A verdict that was reached before on the same image, asked the same way of a machine of the same class, is
    kept. Raises `OutsideError` where the engine fails.
    """
    cell, subject = work.recipe.cell.id, _subject(work, built)
    asked, wanted = verification.asked(subject, ports.host()), verification.wanted(subject)
    found = None if work.reverify else records.read_verification(work.folder)
    if found is not None and _holds(found, asked, wanted):
        emit(Finished(cell=cell, stage="verify", outcome="kept", seconds=0.0))
        return found
    (work.folder / "verification.json").unlink(missing_ok=True)
    with (
        ports.shared.slot(),
        work.log.open("a", encoding="utf-8") as log,
        _stage(cell, "verify", emit, log, ports.shared.timeline) as stage,
        ports.shared.timeline.busy(),
    ):
        verdict = verification.verify(
            subject, cell, ports.engine, lambda check: stage.tell(Progress(step=check)), ports.cancel
        )
        log.writelines(f"{check.status:5} {check.id} {check.reason or ''}\n" for check in verdict.checks)
        stage.outcome = verdict.status
        log.write(f"{verdict.status}: {verdict.reason or 'every required check passed'}\n")
    verdict = dataclasses.replace(verdict, image=built.id, asked=asked, wanted=wanted)
    records.write(work.folder, "verification", verdict, built.id)
    return verdict


def wanted(work: Work, built: Image) -> str:
    """What the matrix wants proven of an image; a verdict names it, too."""
    return verification.wanted(_subject(work, built))


def _holds(found: Verification, asked: str, wanted: str) -> bool:
    """Whether a verdict of before answers what is asked now, and is what its checks come to."""
    same = (found.asked, found.wanted) == (asked, wanted) and found.status in ("passed", "not verified")
    return same and verification.contradiction(found) is None


def _subject(work: Work, built: Image) -> Subject:
    claim = dataclasses.replace(work.recipe.claim, packages=_expected(work.recipe, built))
    return Subject(
        image=built.stored,
        claim=records.plain(claim),
        settings=work.settings,
        gpus=work.gpus,
        mnist=work.mnist,
    )


def _expected(recipe: Recipe, built: Image) -> tuple[tuple[str, str], ...]:
    """Every version that must be found: what was installed by its pins, and what the recipe itself claims
    beyond that.
    """
    return tuple(sorted({**dict(recipe.claim.packages), **dict(built.packages)}.items()))
