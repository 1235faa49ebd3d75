"""Locked cell → carriers: the environment as layers, each made once per content, whatever the OS.

A carrier is the standalone Python, a group of wheels, the byte code of either, or the virtual environment's
own few files. Nothing of them depends on the base, so every cell with the same wheels and Python shares them:
on disk, in a registry, and in the engine, where they lie below the base (an engine keeps a layer together
with all that is below it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder.content import bytecode, interpreter, site, skeleton, wheels
from builder.content.grouping import groups
from builder.content.site import Site
from builder.engine.api import Assembled, Progress, under_way
from builder.errors import OutsideError
from builder.image import assembly, compiling, restoring, system
from builder.image.assembly import Part
from builder.image.system import Ground
from builder.layer import reading
from builder.layer.keys import key_of
from builder.layer.values import Entry
from builder.lock import CANONICAL, LockedCell
from builder.ports import Ports
from builder.recipe import Configured
from builder.source.api import Pin

REPOSITORY = "localhost/envbuild/environment"
LABEL = "org.envbuild.carrier"  # images that hold carriers in the engine, and nothing else
EMPTY = 1024  # bytes of a layer without entries
AHEAD = 200 * 10**6  # bytes of carriers that are worth loading while others are still made
NO_DATE = 946684800  # as carriers have it: 2000-01-01

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A cell's environment, and the ground whose Python it is for where it brings none."""

    cell: LockedCell
    ground: Ground

    @property
    def python(self) -> str:
        """Which interpreter compiles: a standalone one by its archive, else that of the `os` stage."""
        pin = self.cell.interpreter
        return pin.sha256 if pin else self.ground.key

    @property
    def site(self) -> Site:
        """Where everything goes."""
        cell = self.ground.recipe.cell
        minor = cell.python if cell.python.endswith("t") else ".".join(cell.python.split(".")[:2])
        if self.cell.interpreter is not None:
            return Site(python=minor, interpreter=interpreter.installed(self.cell.interpreter).program)
        program = site.conda(minor) if cell.provider == "conda" else site.system(minor)
        return Site(python=minor, interpreter=program)

    @property
    def key(self) -> str:
        """Equal for cells with the same environment."""
        pins = [pin.sha256 for pin in self.cell.wheels]
        return key_of("environment", CANONICAL, self.site, self.python, pins)


def environment(order: Order, ports: Ports, on_progress: OnProgress) -> tuple[Part, ...]:
    """All carriers, the lowest first, made where they are not there yet, and loaded into the engine where
    that is wanted.

    They are loaded by and by: the engine unpacks the first while the last are still made.
    """
    cell = order.ground.recipe.cell
    # In a fresh round nothing is loaded at all, and with the environment on top there is nothing to load yet.
    loads = cell.flavor == "runtime" and ports.ahead and not ports.fresh
    ahead = _Ahead(ports, cell.arch, on_progress) if loads else None
    parts: list[Part] = []
    for future in _begun(order, ports, on_progress):
        part = future.result()
        if part.layer.size > EMPTY:
            parts.append(part)
        if ahead:
            ahead.load(parts, at_least=AHEAD)
    if ahead:
        ahead.load(parts, at_least=1)
    return tuple(parts)


def _begun(order: Order, ports: Ports, on_progress: OnProgress) -> list[Future[Part]]:
    """Every carrier, under way."""
    cell = order.cell
    makers: list[_Maker] = []
    if cell.interpreter is not None:
        makers.append(_interpreter(cell.interpreter, ports))
        makers.append(_library(order, cell.interpreter, ports, on_progress))
    for group in groups(cell.wheels):
        makers.append(_wheels(order, group, ports))
        makers.append(_bytecode(order, group, ports, on_progress))
    makers.append(_skeleton(order))
    return [_begin(rank, maker, ports, on_progress) for rank, maker in enumerate(makers)]


def _begin(rank: int, maker: _Maker, ports: Ports, on_progress: OnProgress) -> Future[Part]:
    """A carrier, under way. Those of the least rank are made first: the lowest goes into the engine first."""
    return ports.shared.begin(maker.key, partial(_made, rank, maker, ports, on_progress), maker.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tools:
    """What some makers wait for: an image to run something in, and the standalone Python's layer."""

    image: str = ""
    interpreter: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """How one carrier is made: `entries` is asked when no layer has that key yet, with a folder for work in
    progress.
    """

    key: str
    label: str
    entries: Callable[[_Tools, Path], Iterable[Entry]]
    tools: Callable[[], _Tools] = _Tools


def _made(rank: int, maker: _Maker, ports: Ports, on_progress: OnProgress) -> Part:
    """The carrier from the cache, or made now."""
    found = ports.checked(maker.key)
    if found is None:
        tools = maker.tools()
        with ports.shared.slot(rank), ports.scratch() as scratch:
            ports.go_on()
            with under_way(f"layer of {maker.label}", on_progress):
                found = ports.layers.make(maker.key, maker.label, lambda: maker.entries(tools, scratch))
        ports.hold(maker.key)
    return Part(label=maker.label, layer=restoring.as_file(found))


def _interpreter(pin: Pin, ports: Ports) -> _Maker:
    return _Maker(
        key=key_of("interpreter", CANONICAL, pin.filename, pin.sha256),
        label=f"Python {pin.version}",
        entries=lambda *_: interpreter.entries(ports.file(pin), pin),
    )


def _library(order: Order, pin: Pin, ports: Ports, on_progress: OnProgress) -> _Maker:
    """The byte code of a standalone Python's own library."""

    def entries(tools: _Tools, scratch: Path) -> tuple[Entry, ...]:
        found = bytecode.sources(tools.interpreter, interpreter.installed(pin).library)
        return _compiled(found, order, tools, scratch, ports)

    return _Maker(
        key=key_of("bytecode", CANONICAL, "interpreter", pin.filename, pin.sha256),
        label=f"byte code of Python {pin.version}",
        entries=entries,
        tools=lambda: _compiler(order, ports, on_progress),
    )


def _wheels(order: Order, group: tuple[Pin, ...], ports: Ports) -> _Maker:
    return _Maker(
        key=key_of("wheels", CANONICAL, order.site, [pin.sha256 for pin in group]),
        label=_names(group),
        entries=lambda *_: _contents(order, group, ports),
    )


def _contents(order: Order, group: tuple[Pin, ...], ports: Ports) -> tuple[Entry, ...]:
    return wheels.contents([(pin, ports.file(pin)) for pin in group], order.site).entries


def _bytecode(order: Order, group: tuple[Pin, ...], ports: Ports, on_progress: OnProgress) -> _Maker:
    def entries(tools: _Tools, scratch: Path) -> tuple[Entry, ...]:
        found = bytecode.sources(_contents(order, group, ports), order.site.packages)
        return _compiled(found, order, tools, scratch, ports)

    return _Maker(
        key=key_of("bytecode", CANONICAL, order.site, order.python, [pin.sha256 for pin in group]),
        label=f"byte code of {_names(group)}",
        entries=entries,
        tools=lambda: _compiler(order, ports, on_progress),
    )


def _compiler(order: Order, ports: Ports, on_progress: OnProgress) -> _Tools:
    """An image in which the cell's Python runs, or (standalone) is sent along."""
    pin = order.cell.interpreter
    if pin is None:
        return _Tools(image=system.stage_image(order.ground, ports, on_progress))
    plain = _begin(0, _interpreter(pin, ports), ports, on_progress).result()
    image = restoring.in_engine(order.ground.base, ports, on_progress)
    # Out of the layer, because the archive is packed.
    return _Tools(image=image, interpreter=reading.entries(plain.layer.path))


def _compiled(
    found: Sequence[Entry], order: Order, tools: _Tools, scratch: Path, ports: Ports
) -> tuple[Entry, ...]:
    workshop = compiling.Workshop(
        image=tools.image, scratch=scratch, site=order.site, interpreter=tools.interpreter
    )
    return compiling.compiled(found, workshop, ports)


def _skeleton(order: Order) -> _Maker:
    return _Maker(
        key=key_of("skeleton", CANONICAL, order.site),
        label="virtual environment",
        entries=lambda *_: skeleton.entries(order.site),
    )


def _names(group: tuple[Pin, ...]) -> str:
    """`torch 2.8.0+cpu`, or `filelock, fsspec and 9 more`."""
    if len(group) == 1:
        return f"{group[0].name} {group[0].version}"
    first, rest = group[:2], group[2:]
    return ", ".join(pin.name for pin in first) + (f" and {len(rest)} more" if rest else "")


class _Ahead:
    """Loads carriers into the engine as an image of their own, so that every cell finds them there."""

    def __init__(self, ports: Ports, arch: str, on_progress: OnProgress) -> None:
        self._ports, self._arch, self._on_progress = ports, arch, on_progress
        self._loaded = 0  # how many of the parts
        self._last = ""  # the image that holds them

    def load(self, parts: Sequence[Part], *, at_least: int) -> None:
        """Load the parts so far, where so many bytes are new."""
        if sum(part.layer.size for part in parts[self._loaded :]) < at_least:
            return
        labels = ((LABEL, key_of([part.layer.diff_id for part in parts])[:24]),)
        image = assembly.assemble(parts, Configured(env=(), labels=labels), self._arch, NO_DATE)
        name = f"{REPOSITORY}:{image.id.removeprefix('sha256:')[:24]}"
        # Orders of several bases may come to the same image: one of them loads it.
        load = partial(self._load, image, name)
        self._ports.shared.begin(f"load {name}", load, f"load {parts[-1].label}").result()
        if self._last:
            self._ports.engine.untag(self._last)  # the layers stay: the new image holds them
        self._loaded, self._last = len(parts), name

    def _load(self, image: Assembled, name: str) -> None:
        engine = self._ports.engine
        if engine.find(name) is not None:
            return
        with self._ports.shared.loading():
            try:
                engine.tag(engine.load(image, self._on_progress, self._ports.cancel), name)
            except OutsideError:
                if engine.find(image.id) is not None:
                    raise
                # Another process had the same image and has gone on to a larger one, taking its name away.
                engine.tag(engine.load(image, self._on_progress, self._ports.cancel), name)
