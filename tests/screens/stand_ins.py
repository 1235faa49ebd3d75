"""Ports without an outside: a dry engine whose containers report what a test wants, a source of all."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from builder.base import Wish
from builder.bundle import Listed, listed
from builder.cellwork import Work
from builder.cli import selection
from builder.engine.api import BuildRequest, ImageFacts, RunEnd, RunRequest
from builder.engine.dry import NOTHING_RAN, DryEngine
from builder.events import Event
from builder.pipeline import Events, Result
from builder.ports import Ports
from builder.source.api import OnFetch, Order, Pin, Supplies, Surroundings

SIZE = 1_019_000_000
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


class Engine(DryEngine):
    """The dry engine, whose images have a size."""

    def find(self, reference: str) -> ImageFacts | None:
        found = super().find(reference)
        return replace(found, size=SIZE) if found else None

    def builds(self, target: str) -> list[BuildRequest]:
        return [r for r in self.requests if isinstance(r, BuildRequest) and r.target == target]


class Waiting(Engine):
    """Builds of the environment wait until they are called off, as an engine's do."""

    def __init__(self) -> None:
        super().__init__(on_run=reports())
        self.begun = threading.Semaphore(0)

    def build(self, request: BuildRequest, on_progress, cancel: threading.Event) -> str:
        if request.target == "image":
            self.begun.release()
            cancel.wait()
        return super().build(request, on_progress, cancel)


@dataclass(frozen=True)
class Store:
    """A source that has every package, as an empty file."""

    folder: Path
    notes: tuple[str, ...] = ()
    on_resolve: Callable[[Order], None] = field(default=lambda order: None)

    def resolve(self, order: Order) -> Supplies:
        self.on_resolve(order)
        pinned = [text.split("==") for text in order.requirements if "==" in text]
        interpreter = _pin("cpython", order.python) if order.standalone else None
        return Supplies(wheels=tuple(_pin(*one) for one in pinned), interpreter=interpreter, notes=self.notes)

    def fetch(self, pin: Pin, on_fetch: OnFetch) -> Path:
        on_fetch(pin.filename, 0, pin.size)
        return self._file(pin.filename)

    def installer(self) -> Path:
        return self._file("uv")

    def surroundings(self) -> Surroundings:
        return Surroundings()

    def bootstrap(self, os: str, codename: str) -> Path:
        return self._file(f"{os}-0123456789abcdef.tar")

    def _file(self, name: str) -> Path:
        path = self.folder / name
        path.touch()
        return path


def _pin(name: str, version: str) -> Pin:
    filename = f"{name}-{version}-py3-none-any.whl"
    if name == "cpython":
        filename = f"cpython-{version}.9+20250101-x86_64-unknown-linux-gnu-install_only.tar.gz"
    return Pin(
        name=name, version=version, filename=filename, url=f"https://x/{filename}", sha256="0" * 64, size=9
    )


def ports(folder: Path, engine: DryEngine | None = None, source: Store | None = None) -> Ports:
    """An engine whose verifications pass, and a source, unless others are given."""
    return Ports(engine=engine or Engine(on_run=reports()), source=source or Store(folder))


def works_of(folder: Path, text: str) -> tuple[Work, ...]:
    """The work on every cell of a matrix, with records below `folder`."""
    (folder / "m.yaml").write_text(text)
    chosen = selection.select(folder / "m.yaml")
    matrix = chosen.matrix
    return tuple(
        Work(
            recipe=one,
            wish=Wish(os=chosen.facts.os[one.cell.os], policy=matrix.base, platform=matrix.platform),
            folder=folder / "out" / one.cell.id,
            settings=matrix.verify,
            budget=matrix.size_budget,
        )
        for one in chosen.recipes()
    )


def drive(run: Events) -> tuple[list[Event], tuple[Result, ...]]:
    """All events of a run, and its results."""
    ended: list[tuple[Result, ...]] = []

    def through() -> Iterator[Event]:
        ended.append((yield from run))

    seen = list(through())
    return seen, ended[0]
