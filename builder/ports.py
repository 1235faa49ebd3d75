"""The outside, handed to rooms as one value; and how work on it is shared out."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, TypeVar, cast

from builder.engine import machine
from builder.engine.api import Engine
from builder.errors import InterruptedByUserError
from builder.layer import scratch
from builder.layer.cache import Layers
from builder.layer.values import Layer
from builder.names import ARCHES
from builder.source.api import Pin, Source
from builder.timeline import Timeline

CELL_LABEL = "org.envbuild.cell"  # every image of ours carries it
LATER = 1000  # the rank of work that nothing else waits for

Made = TypeVar("Made")


class Slots:
    """So many at a time. Of those who wait, the one of the least rank is next, and of these the first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int]] = []
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        with self._changed:
            return len(self._waiting)

    @contextmanager
    def one(self, rank: int) -> Iterator[None]:
        """A slot, for the length of the block."""
        mine = (rank, next(self._numbers))
        with self._changed:
            heappush(self._waiting, mine)
            self._changed.wait_for(lambda: self._free and self._waiting[0] == mine)
            heappop(self._waiting)
            self._free -= 1
            self._changed.notify_all()  # there may be a slot for the next one, too
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()


class Shared:
    """Work that several cells wait for is begun once, by the first that asks; `jobs` pieces go on at a time.

    Who waits for another's work holds no slot, so that slots are always held by somebody who gets on. Loading
    is the engine's work, and others wait for it: it has as many slots of its own.
    """

    def __init__(self, jobs: int) -> None:
        self._slots, self._loads = Slots(jobs), Slots(jobs)
        self._guard = threading.Lock()
        self._begun: dict[str, tuple[Future[Any], int | None]] = {}
        self.timeline = Timeline()

    def begin(self, name: str, make: Callable[[], Made], label: str = "") -> Future[Made]:
        """The work of that name: under way already, or begun now. Its errors are every waiter's. The timeline
        tells of it by its label; without one it is too little to be told.
        """
        with self._guard:
            future, span = self._begun.get(name) or self._started(name, make, label)
        if span is not None:
            self.timeline.wanted(span)
        return cast("Future[Made]", future)

    def _started(self, name: str, make: Callable[[], Any], label: str) -> tuple[Future[Any], int | None]:
        future: Future[Any] = Future()
        span = self.timeline.opened(label) if label else None
        self._begun[name] = future, span
        within = nullcontext() if span is None else self.timeline.within(span)
        words = (future, make, within)
        threading.Thread(target=_fulfil, args=words, name=name[:15], daemon=True).start()
        return future, span

    def settle(self) -> None:
        """Wait until nothing is under way any more, also what no waiter is left for."""
        while True:
            with self._guard:
                left = [future for future, _ in self._begun.values() if not future.done()]
            if not left:
                return
            wait(left)

    @contextmanager
    def slot(self, rank: int = LATER) -> Iterator[None]:
        """One of the pieces of work that may go on at once. Nobody may wait for another within."""
        with self._slots.one(rank), self.timeline.busy():
            yield

    @contextmanager
    def loading(self) -> Iterator[None]:
        """One of the loads that may go on at once."""
        with self._loads.one(0), self.timeline.busy():
            yield


def _fulfil(future: Future[Any], make: Callable[[], Any], within: AbstractContextManager[None]) -> None:
    try:
        with within:
            made = make()
    except BaseException as error:  # noqa: BLE001  it is raised again where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """An engine, a source of inputs, the layers made before, and the event that asks everything to stop."""

    engine: Engine
    source: Source
    layers: Layers
    shared: Shared = field(default_factory=lambda: Shared(2))
    cancel: threading.Event = field(default_factory=threading.Event)
    offline: bool = False  # no registry, index or mirror may be asked
    keys: set[str] = field(default_factory=set)  # of layers that are held
    held: ExitStack = field(default_factory=ExitStack)  # to be closed when the run ends
    _guard: threading.Lock = field(default_factory=threading.Lock)
    fresh: str = ""  # not empty: nothing that the engine has from before is used, and names end so
    ahead: bool = True  # layers are loaded into the engine while others are still made

    def named(self, name: str) -> str:
        """A name in the engine for what this run makes."""
        return name + self.fresh

    def foreign(self, platform: str) -> str:
        """The platform, where it is not the engine's own; else empty."""
        return "" if ARCHES.get(platform) == self.engine.about().arch else platform

    def file(self, pin: Pin) -> Path:
        """The file of a pin, in the store. Nobody watches it come in, but it stops when everything does."""
        return self.source.fetch(pin, self._stopping)

    def go_on(self) -> None:
        """Raise `InterruptedByUserError` where everything is to stop: before work that nothing stops."""
        if self.cancel.is_set():
            raise InterruptedByUserError.of("interrupted")

    def _stopping(self, name: str, now: int, total: int | None) -> None:
        del name, now, total
        self.go_on()

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for work in progress, gone at the end of the block."""
        return scratch.scratch(self.layers.folder / "scratch")

    def checked(self, key: str) -> Layer | None:
        """The layer of that key, if its bytes are here and are what they were."""
        found = self.layers.find(key)
        found = found and self.layers.checked(found)
        if found:
            self.hold(key)
        return found

    def hold(self, key: str) -> None:
        """Keep other processes from pruning a layer until this run ends."""
        with self._guard:
            if key not in self.keys:
                self.keys.add(key)
                self.held.enter_context(self.layers.using(key))

    def stored(self, name: str) -> str | None:
        """The id of the image of that name or id in the engine, as of the start of this run."""
        known = self.shared.begin("images in the engine", self._listing).result().get(name)
        if known is not None:
            return known
        found = self.engine.find(name)
        return found.id if found else None

    def _listing(self) -> dict[str, str]:
        """Our images by id and by name, in one call: a look at each of fifty would take its time."""
        images = self.engine.labelled(CELL_LABEL)
        return {name: image.id for image in images for name in (image.id, *image.tags)}

    def host(self) -> str:
        """The class of machine that verifications run on."""
        return self.shared.begin("class of machine", self._host).result()

    def _host(self) -> str:
        about = self.engine.about()
        here = machine.kind() if about.endpoint.startswith("unix://") else ""
        parts = (about.kind, about.version, about.arch, about.cpus, about.memory, about.gpus, here)
        return " ".join(map(str, parts))
