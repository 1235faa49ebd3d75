"""Recipe + lock + ports → Image: layers from the cache or made now, put together and loaded.

What several cells need is begun once (`Ports.shared`): the environment, a base's layers, an OS layer.
docs/architecture.md tells the order of the layers and why it is so.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, replace
from typing import Any

from builder.base import Wish
from builder.engine.api import Assembled, Progress
from builder.errors import InputError
from builder.image import assembly, restoring, system
from builder.image.assembly import Part
from builder.image.restoring import Wanted
from builder.image.system import Ground
from builder.layer.keys import key_of
from builder.lock import CANONICAL, Lock, LockedBase, LockedCell, LockedSystem
from builder.ports import Ports
from builder.recipe import Recipe, configured

OnProgress = Callable[[Progress], None]
Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One layer of an image: what it holds, its `diff_id`, and the bytes of its tar."""

    label: str
    diff_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image. `id` is the sha256 of its config, the same on every engine; `stored` is the id by which
    this engine knows it (containerd's store goes by the manifest); `size` is the engine's, in bytes.
    """

    cell: str
    id: str
    stored: str
    tags: tuple[str, ...]
    size: int
    base: str
    origin: str  # where the base came from: registry, engine or bootstrap
    recipe: str  # the recipe's digest
    inputs: str  # digest of everything that it was made from
    packages: tuple[tuple[str, str], ...]  # what was installed: normalized name, version
    layers: tuple[Piece, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A recipe with what its lock pins for it."""

    recipe: Recipe
    cell: LockedCell
    base: LockedBase
    system: LockedSystem
    wish: Wish
    epoch: int

    @classmethod
    def of(cls, recipe: Recipe, lock: Lock, wish: Wish) -> Locked:
        """The recipe's part of the lock, which must hold its cell (`lock.stale` tells)."""
        cell = lock.cell(recipe.cell.id)
        base = lock.base(cell.base, cell.platform) if cell else None
        system = lock.system(cell.system) if cell else None
        if cell is None or base is None or system is None:
            raise InputError.of(f"{recipe.cell.id} is not in the lock", hint="`envbuild lock` makes it anew")
        return cls(recipe=recipe, cell=cell, base=base, system=system, wish=wish, epoch=lock.epoch)

    @property
    def ground(self) -> Ground:
        """What the OS layer is made on."""
        wanted = Wanted(locked=self.base, wish=self.wish)
        return Ground(recipe=self.recipe, base=wanted, system=self.system, epoch=self.epoch)

    @property
    def inputs(self) -> str:
        """A digest of everything that the image is made from: where it is the same, so is the image."""
        packages = self.system.packages
        return key_of(
            "image",
            CANONICAL,
            self.recipe.digest,
            (self.base.layers, self.base.env, self.base.labels),
            packages and [pin.sha256 for pin in packages],
            self.cell.interpreter and self.cell.interpreter.sha256,
            [pin.sha256 for pin in self.cell.wheels],
            self.epoch,
        )


def make(locked: Locked, ports: Ports, on_progress: OnProgress) -> tuple[Assembled, Parts]:
    """The image, put together on this machine, and its parts. Raises `CellError` and `OutsideError`."""
    recipe = locked.recipe
    parts = _custom(locked, ports, on_progress) if recipe.custom else _shared(locked, ports, on_progress)
    dockerfile = dict(recipe.files)["Dockerfile"].decode()
    config = configured(dockerfile, locked.base.env, locked.base.labels)
    image = assembly.assemble(parts, config, recipe.cell.arch, locked.epoch)
    return replace(image, relatives=(recipe.base, locked.ground.base.name)), parts


def _shared(locked: Locked, ports: Ports, on_progress: OnProgress) -> Parts:
    """The environment's carriers, the base, the OS layer: all begun at once, by the first cell that asks."""
    from builder.image import carrier  # noqa: PLC0415  a cell that is kept needs none of it

    ground, cell = locked.ground, locked.recipe.cell
    order = carrier.Order(cell=locked.cell, ground=ground)
    environment = ports.shared.begin(
        order.key, lambda: carrier.environment(order, ports, on_progress), "environment"
    )
    own = ports.shared.begin(ground.key, lambda: system.part(ground, ports, on_progress), ground.label)
    pending: tuple[Future[Any], ...] = (environment, own)
    ended, _ = wait(pending, return_when=FIRST_EXCEPTION)
    for one in ended:
        one.result()  # what fails is told at once, and not after the other
    base = _base_parts(locked, ports, on_progress)  # last: they have come along with the OS layer
    if cell.flavor == "devel":
        return (*base, own.result(), *environment.result())
    return (*environment.result(), *base, own.result())


def _custom(locked: Locked, ports: Ports, on_progress: OnProgress) -> Parts:
    """A page of the user's own may do anything in its last stage: one layer, upon the base."""
    from builder.image import custom  # noqa: PLC0415

    order = custom.Order(cell=locked.cell, ground=locked.ground)
    own = ports.shared.begin(order.key, lambda: custom.part(order, ports, on_progress), custom.LABEL)
    part = own.result()
    return (*_base_parts(locked, ports, on_progress), part)


def _base_parts(locked: Locked, ports: Ports, on_progress: OnProgress) -> Parts:
    wanted = locked.ground.base
    return tuple(
        Part(label=wanted.label, layer=layer) for layer in restoring.layers(wanted, ports, on_progress)
    )


def fetch(locked: Locked, ports: Ports, on_progress: OnProgress) -> None:
    """Have every file of the lock for this cell in the store, downloaded or there already."""
    for pin in (*(locked.system.packages or ()), *locked.cell.pins):
        ports.source.fetch(
            pin, lambda name, now, total: on_progress(Progress(step=name, current=now, total=total))
        )


def load(made: Assembled, ports: Ports, on_progress: OnProgress) -> str:
    """Bring the image into the engine; the id by which it is known there."""
    with ports.shared.loading():
        return ports.engine.load(made, on_progress, ports.cancel)


def pieces(parts: Parts) -> tuple[Piece, ...]:
    """The parts as a record tells of them."""
    return tuple(Piece(label=part.label, diff_id=part.layer.diff_id, size=part.layer.size) for part in parts)
