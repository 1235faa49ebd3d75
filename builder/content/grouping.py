"""Which wheels share a carrier: large ones have their own, so that a change of a small one moves little."""

from __future__ import annotations

from collections.abc import Sequence

from builder.errors import OutsideError
from builder.source.api import Pin

ALONE = 60_000_000  # bytes of a wheel's file from which on it has a carrier of its own
TOGETHER = 250_000_000  # bytes of files after which a further carrier is begun
MOST = 24  # carriers of one wheel: each makes two layers, and an image may have 127

Groups = tuple[tuple[Pin, ...], ...]


def groups(wheels: Sequence[Pin]) -> Groups:
    """The wheels of each carrier, from the lowest layer on: large ones by size, largest first, then the rest
    by name. The same for the same pins, whatever their order; every pin must tell its size.
    """
    for pin in wheels:
        if pin.size is None:  # a guess would give the same lock other layers on another machine
            raise OutsideError.of(f"the size of {pin.filename} is not known", hint="lock anew")
    by_size = sorted(wheels, key=lambda pin: (-_size(pin), pin.name))
    large = [pin for pin in by_size if _size(pin) >= ALONE][:MOST]
    rest = sorted((pin for pin in wheels if pin not in large), key=lambda pin: pin.name)
    return (*((pin,) for pin in large), *_filled(rest))


def _filled(rest: Sequence[Pin]) -> Groups:
    filled: list[list[Pin]] = []
    weight = TOGETHER
    for pin in rest:
        if weight >= TOGETHER:
            filled.append([])
            weight = 0
        filled[-1].append(pin)
        weight += _size(pin)
    return tuple(tuple(group) for group in filled)


def _size(pin: Pin) -> int:
    return pin.size or 0
