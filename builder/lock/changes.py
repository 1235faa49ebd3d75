"""Two locks → what changed between them, one line a piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from builder.lock.values import Lock, LockedBase, LockedCell, LockedSystem
from builder.source.api import Pin

GONE = "none"


def changes(old: Lock | None, new: Lock) -> tuple[str, ...]:
    """Lines such as `numpy 2.3.1 → 2.3.4`, below the bases, systems or cells that they are about."""
    lines = [line for where in sorted({*_bases(old), *_bases(new)}) for line in _base(*where, old, new)]
    groups: dict[tuple[str, ...], list[str]] = {}
    for ident in _all(_cells(old), _cells(new)):
        before, after = old.cell(ident) if old else None, new.cell(ident)
        told = (*_packages(before, old, after, new), *_pins(_wheels(before), _wheels(after)))
        if before is None or after is None:
            told = (f"{'new' if before is None else 'gone'}: {len((after or before).pins)} files",)  # type: ignore[union-attr]
        if told:
            groups.setdefault(told, []).append(ident)
    for told, idents in groups.items():
        lines += [", ".join(idents), *(f"  {line}" for line in told)]
    return tuple(lines)


def _bases(lock: Lock | None) -> tuple[tuple[str, str], ...]:
    return tuple((base.reference, base.platform) for base in lock.bases) if lock else ()


def _cells(lock: Lock | None) -> tuple[str, ...]:
    return tuple(cell.id for cell in lock.cells) if lock else ()


def _all(*names: Iterable[str]) -> list[str]:
    return sorted({name for some in names for name in some})


def _base(reference: str, platform: str, old: Lock | None, new: Lock) -> tuple[str, ...]:
    before, after = old.base(reference, platform) if old else None, new.base(reference, platform)
    if before == after:
        return ()
    name = new.name_of(after) if after else reference
    return (f"base {name}: {_named(before)} → {_named(after)}",)


def _named(base: LockedBase | None) -> str:
    return (base.digest or base.layers[-1])[:19] if base else GONE


def _packages(
    before: LockedCell | None, old: Lock | None, after: LockedCell | None, new: Lock
) -> tuple[str, ...]:
    was = old.system(before.system) if old and before else None
    now = new.system(after.system) if after else None
    return _pins(_pinned(was), _pinned(now))


def _pinned(system: LockedSystem | None) -> tuple[Pin, ...]:
    return (system.packages or ()) if system else ()


def _wheels(cell: LockedCell | None) -> tuple[Pin, ...]:
    return cell.pins if cell else ()


def _pins(before: Iterable[Pin], after: Iterable[Pin]) -> tuple[str, ...]:
    """What differs by name; two files of one version are told by their sha256."""
    was, now = _by_name(before), _by_name(after)
    return tuple(
        _change(name, was.get(name), now.get(name))
        for name in _all(was, now)
        if _sha(was, name) != _sha(now, name)
    )


def _by_name(pins: Iterable[Pin]) -> Mapping[str, Pin]:
    return {pin.name: pin for pin in pins}


def _sha(pins: Mapping[str, Pin], name: str) -> str | None:
    return pins[name].sha256 if name in pins else None


def _change(name: str, before: Pin | None, after: Pin | None) -> str:
    if before and after and before.version == after.version:
        return f"{name} {after.version}: another file (sha256 {before.sha256[:12]} → {after.sha256[:12]})"
    return f"{name} {before.version if before else GONE} → {after.version if after else GONE}"
