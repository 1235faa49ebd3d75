"""Lock → every address, image and package that its images need, for those who must let them through."""

from __future__ import annotations

from builder.lock.values import Lock, LockedBase
from builder.source.api import Pin

LOCAL = "in a folder or index of its own"


def listing(lock: Lock) -> tuple[str, ...]:
    """One line each: what it is, where it is, its sha256. Sorted by kind."""
    bases = dict.fromkeys(f"image {_named(base)}" for base in lock.bases)  # platforms of one index, once
    files = [
        f"{_kind(pin)} {pin.url or f'{pin.filename} ({LOCAL})'} sha256:{pin.sha256}" for pin in lock.files
    ]
    return (*bases, *sorted(files))


def unpinned(lock: Lock) -> tuple[str, ...]:
    """Why the list is not everything: what cannot be told in advance."""
    return tuple(sorted({system.why for system in lock.systems if system.why}))


def _named(base: LockedBase) -> str:
    """The registry's digest is what to ask for; without one the layers tell what it is."""
    return f"{base.reference} {base.digest or ' '.join(base.layers)}"


def _kind(pin: Pin) -> str:
    if pin.filename.endswith(".whl"):
        return "wheel"
    return "python" if pin.name == "cpython" else "package"
