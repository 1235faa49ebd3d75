"""A cell's order → its wheels and interpreter, pinned; what an older lock pins can be held."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from builder.errors import CellError
from builder.lock.values import Lock
from builder.ports import Ports
from builder.recipe import Recipe
from builder.source.api import Order, Pin, Supplies

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An order, and the pins that should stay as they are."""

    order: Order
    pins: tuple[str, ...] = ()  # name==version
    interpreter: Pin | None = None


def held(recipe: Recipe, old: Lock | None, upgrade: tuple[str, ...] | None) -> Held:
    """What to ask for: a cell that is in the old lock keeps what is not to be upgraded."""
    found = old.cell(recipe.cell.id) if old else None
    if found is None or upgrade == ():
        return Held(order=recipe.order)
    names = upgrade or ()
    pins = tuple(f"{pin.name}=={pin.version}" for pin in found.wheels if pin.name not in names)
    fits = found.interpreter and recipe.order.standalone and recipe.order.arch in found.interpreter.filename
    kept = found.interpreter if fits and "cpython" not in names else None
    return Held(order=recipe.order, pins=pins, interpreter=kept)


def resolve(asked: Held, ports: Ports, tell: Tell) -> Supplies:
    """Resolve with what is held; where that leaves no way, without."""
    tell(f"resolve {asked.order.requirements[0]} for Python {asked.order.python}, glibc {asked.order.glibc}")
    order = dataclasses.replace(asked.order, standalone=asked.order.standalone and asked.interpreter is None)
    try:
        bound = dataclasses.replace(order, constraints=(*order.constraints, *asked.pins))
        found = ports.source.resolve(bound)
    except CellError:
        if not asked.pins:
            raise
        found = ports.source.resolve(order)
    for note in found.notes:
        tell(f"note: {note}")
    return dataclasses.replace(
        found,
        interpreter=asked.interpreter or found.interpreter,
        wheels=tuple(_sized(pin, ports, tell) for pin in found.wheels),
    )


def _sized(pin: Pin, ports: Ports, tell: Tell) -> Pin:
    """The pin with its size, by which wheels are put into layers. Folders and some indexes do not tell it."""
    if pin.size is not None:
        return pin
    if urlsplit(pin.url or "").scheme != "file":
        tell(f"fetch {pin.filename}, for its index does not tell its size")  # it may be gigabytes
    return dataclasses.replace(pin, size=ports.file(pin).stat().st_size)


def public(pin: Pin) -> Pin:
    """The pin with an address that serves everybody, or none: no path of this machine, no signed link."""
    parts = urlsplit(pin.url or "")
    fit = parts.scheme in ("http", "https") and not parts.query and "@" not in parts.netloc
    return pin if fit else dataclasses.replace(pin, url=None)
