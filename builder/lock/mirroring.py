"""Lock → a folder that holds everything it names: wheels, interpreters, packages, the bases' layers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder.engine.api import ImageFacts
from builder.errors import OutsideError
from builder.lock.values import Lock, LockedBase
from builder.ports import Ports
from builder.source.api import Pin
from builder.source.mirror import Mirror

JOBS = 4

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """How many files a mirror holds for a lock, and how many of them came with this call."""

    files: int
    new: int


def mirror(lock: Lock, folder: Path, ports: Ports, tell: Tell) -> Mirrored:
    """Bring everything into the folder; what is there already stays. Raises `OutsideError`."""
    kept = Mirror(root=folder.absolute())

    def bring(pin: Pin) -> bool:
        if ports.cancel.is_set():
            return False
        tell(pin.filename)
        return kept.keep(ports.file(pin), pin.sha256, pin.filename)

    with ThreadPoolExecutor(max_workers=JOBS, thread_name_prefix="fetch") as pool:
        try:
            new = list(pool.map(bring, lock.files))
        except BaseException:
            ports.cancel.set()
            raise
    for base in lock.bases:
        new += _layers(base, kept, ports, tell)
    return Mirrored(files=len(new), new=sum(new))


def _layers(base: LockedBase, kept: Mirror, ports: Ports, tell: Tell) -> list[bool]:
    """A base's layers: of the mirror itself, of an earlier bootstrap, or out of the engine."""
    sums = [layer.removeprefix("sha256:") for layer in base.layers]
    if all(kept.layer(one) for one in sums):
        return [False] * len(sums)
    tell(f"base {base.reference}")
    here = ports.source.base_layers(base.layers)
    if here is not None:
        return [kept.keep(path, one) for path, one in zip(here, sums, strict=True)]
    image = in_engine(base, ports, tell)
    with tempfile.TemporaryDirectory(prefix="envbuild-") as scratch:
        saved = ports.engine.save(image.id, (), Path(scratch))
        return [kept.keep(layer.path, layer.diff_id.removeprefix("sha256:")) for layer in saved]


def in_engine(base: LockedBase, ports: Ports, tell: Tell) -> ImageFacts:
    """The image of exactly the locked content in the engine, pulled by its digest if need be."""
    for name in filter(None, (base.pinned, base.reference)):
        found = ports.engine.find(name)
        if found is not None and found.layers == base.layers:
            return found
    if base.pinned is not None and not ports.offline:
        pulled = ports.engine.pull(base.pinned, base.platform, lambda progress: tell(progress.step))
        if pulled.layers == base.layers:
            return pulled
    raise OutsideError.of(
        f"the engine has another {base.reference} than the lock pins, and there is no way to the pinned one",
        hint="`envbuild lock MATRIX --upgrade` pins the one that is there today",
    )
