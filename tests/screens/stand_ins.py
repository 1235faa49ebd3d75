"""Ports without an outside: a dry engine whose containers report what a test wants, a source of all."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path

from builder import lock as locks
from builder.bundle import Listed, listed
from builder.cellwork import Work
from builder.cli import locking, selection
from builder.engine.api import BuildRequest, RunEnd, RunRequest
from builder.engine.dry import NOTHING_RAN, DryEngine
from builder.events import Event
from builder.image import Locked
from builder.layer.cache import Layers
from builder.pipeline import Events, Result
from builder.ports import Made, Ports, Shared, _fulfil
from tests.screens.stand_in_engine import SIZE, Engine
from tests.screens.stand_in_source import Store

__all__ = ["SIZE", "Engine", "Prompt", "Store", "Waiting", "checks", "drive", "ports", "reports", "works_of"]

LOSSES = [2.2541, 1.7188, 0.8952]
FIGURES = {
    "train.curve": {"values": {"losses": LOSSES, "epochs": 3}},
    "quantize.dynamic": {"values": {"size_ratio": 0.259}},
}
Record = dict[str, object]
Changes = Mapping[str, Mapping[str, object]]  # check id → what is other than passed


@cache
def checks(level: str = "basic") -> tuple[Listed, ...]:
    return listed(level)


def reports(changes: Changes | None = None, *, complete: bool = True) -> Callable[[RunRequest], RunEnd]:
    """A container whose verifier passes every check but for `changes`."""

    def on_run(request: RunRequest) -> RunEnd:
        options = json.loads(re.search(rb'\{"nonce".*', request.stdin, re.S)[0])
        told = [_check(one, changes or {}) for one in checks(options["level"])]
        told = [one for one in told if not options["only"] or one["id"] in options["only"]]
        records: list[Record] = [{"record": "begin"}, *told]
        records += [{"record": "summary", "complete": True, "checks": len(told)}] * complete
        lines = (f"envbuild-record {options['nonce']} {json.dumps(record)}\n" for record in records)
        return replace(NOTHING_RAN, stdout="".join(lines).encode())

    return on_run


def _check(one: Listed, changes: Changes) -> Record:
    plain = {"status": "pass", "required": one.required, "seconds": 0.1, "values": {}, "limits": {}}
    named = {"record": "check", "id": one.id, "title": one.title}
    return {**named, **plain, **FIGURES.get(one.id, {}), **changes.get(one.id, {})}


class Waiting(Engine):
    """Builds of the `os` stage wait until they are called off, as an engine's do."""

    def __init__(self) -> None:
        super().__init__(on_run=reports())
        self.begun = threading.Semaphore(0)

    def build(self, request: BuildRequest, on_progress, cancel: threading.Event) -> str:
        self.begun.release()
        cancel.wait()
        return super().build(request, on_progress, cancel)


class Prompt(Shared):
    """What is begun is done at once, in the thread that asks: the order of steps is always the same."""

    def begin(self, name: str, make: Callable[[], Made], label: str = "") -> Future[Made]:
        if name not in self._begun:
            self._begun[name] = Future(), None
            _fulfil(self._begun[name][0], make, nullcontext())
        return self._begun[name][0]


def ports(folder: Path, engine: DryEngine | None = None, source: Store | None = None) -> Ports:
    """An engine whose verifications pass, and a source, unless others are given."""
    return Ports(
        engine=engine or Engine(on_run=reports()),
        source=source or Store(folder),
        layers=Layers(root=folder),
    )


def works_of(folder: Path, text: str, source: Store | None = None) -> tuple[Work, ...]:
    """The work on every cell of a matrix, locked on an engine of its own, with records below `folder`."""
    (folder / "m.yaml").write_text(text)
    chosen = selection.select(folder / "m.yaml")
    recipes, matrix = chosen.recipes(), chosen.matrix
    locking_ports = ports(folder, source=source)
    lock = locks.make(locking.asked(chosen, recipes), None, locking_ports, lambda _: None)
    return tuple(
        Work(
            recipe=one,
            locked=Locked.of(one, lock, locking.wish(chosen, one)),
            folder=folder / "out" / one.cell.id,
            settings=matrix.verify,
            budget=matrix.size_budget,
        )
        for one in recipes
    )


def drive(run: Events) -> tuple[list[Event], tuple[Result, ...]]:
    """All events of a run, and its results."""
    ended: list[tuple[Result, ...]] = []

    def through() -> Iterator[Event]:
        ended.append((yield from run))

    seen = list(through())
    return seen, ended[0]
