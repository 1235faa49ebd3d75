"""A page of the user's own, whose last stage does more than envbuild's: that stage is built by the engine.

What it leaves above the base becomes one canonical layer: the same image ID again, but nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.engine.api import BuildRequest, Entry, Progress
from builder.image import restoring, system
from builder.image.assembly import Part
from builder.image.system import Ground
from builder.layer.keys import key_of
from builder.lock import CANONICAL, LockedCell
from builder.ports import Ports
from builder.source import downloads_json, pins_txt
from builder.source.api import Pin, Supplies

LABEL = "the page's own last stage"

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A cell's environment as its own page makes it, on its ground."""

    cell: LockedCell
    ground: Ground

    @property
    def key(self) -> str:
        """Equal for cells whose pages and inputs are the same."""
        pins = [pin.sha256 for pin in (*self.cell.wheels, *filter(None, (self.cell.interpreter,)))]
        return key_of("custom", CANONICAL, self.ground.key, self.ground.recipe.digest, pins)


def part(order: Order, ports: Ports, on_progress: OnProgress) -> Part:
    """The layer of everything above the base. Raises `CellError` where a step fails."""
    found = ports.checked(order.key)
    if found is None:
        stage = system.stage_image(order.ground, ports, on_progress)
        base = restoring.in_engine(order.ground.base, ports, on_progress)
        with ports.shared.slot():
            built = ports.engine.build(_request(order, base, stage, ports), on_progress, ports.cancel)
        found = system.above(built, order.ground, order.key, ports, on_progress)
    return Part(label=LABEL, layer=restoring.as_file(found))


def _request(order: Order, base: str, stage: str, ports: Ports) -> BuildRequest:
    return BuildRequest(
        context=context(order, ports),
        target="image",
        args={"BASE_IMAGE": base, "OS_IMAGE": stage, "UV_IMAGE": "uv-local"},
        labels={},
        network="none",
        tag=None,
        platform=ports.foreign(order.ground.recipe.cell.platform),
        no_cache=bool(ports.fresh),
    )


def context(order: Order, ports: Ports) -> tuple[Entry, ...]:
    """The hermetic build context: the rendered folder, uv, the wheels with their pins, the interpreter."""
    cell, source = order.cell, ports.source
    entries = [Entry(path=path, content=content) for path, content in order.ground.recipe.files]
    supplies = Supplies(wheels=cell.wheels, interpreter=cell.interpreter)
    entries.append(Entry(path="tools/uv", content=source.installer(), mode=0o755))
    entries.append(Entry(path="env/pins.txt", content=pins_txt(supplies)))
    entries += [_stored(pin, f"env/wheels/{pin.filename}", ports) for pin in cell.wheels]
    if cell.interpreter is not None:
        listing = downloads_json(cell.interpreter, f"file:///inputs/python/{cell.interpreter.filename}")
        entries.append(Entry(path="python/downloads.json", content=listing))
        entries.append(_stored(cell.interpreter, f"python/{cell.interpreter.filename}", ports))
    return tuple(entries)


def _stored(pin: Pin, path: str, ports: Ports) -> Entry:
    found: Path = ports.file(pin)
    return Entry(path=path, content=found)
