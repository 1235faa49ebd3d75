"""Recipes of one base → that base by its content, and the packages of each distinct `os` stage on it. A base
is for one platform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from builder import base
from builder.base import Base, Wish
from builder.engine.api import Progress
from builder.errors import OutsideError
from builder.lock import packages
from builder.lock.values import Lock, LockedBase, LockedSystem, system_key
from builder.names import ARCHES
from builder.ports import Ports
from builder.recipe import Recipe

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A base and its `os` stages."""

    base: LockedBase
    systems: tuple[LockedSystem, ...]


def known(recipes: Sequence[Recipe], wish: Wish, old: Lock | None) -> Ground | None:
    """What an older lock has for these recipes, all of one base; None unless it has all of it."""
    found = _known_base(recipes, wish, old)
    if old is None or found is None:
        return None
    systems = [old.system(system_key(digest, found)) for digest in _stages(recipes)]
    if not all(systems):
        return None
    return Ground(base=found, systems=tuple(one for one in systems if one))


def untold(recipes: Sequence[Recipe], wish: Wish, old: Lock | None, packages: Sequence[str]) -> str:
    """What an older lock does not have for these recipes, in words; `packages` are those of the matrix."""
    reference = recipes[0].base
    if old is None or _known_base(recipes, wish, old) is None:
        return f"what {reference} and its packages are"
    pinned = {pin.name for system in old.systems for pin in system.packages or ()}
    new = ", ".join(name for name in packages if name not in pinned)
    return f"what {new or 'the changed list of packages'} is on {reference}"


def _known_base(recipes: Sequence[Recipe], wish: Wish, old: Lock | None) -> LockedBase | None:
    """The base that an older lock has for these recipes, unless it is from where it may not come now."""
    found = old.base(recipes[0].base, wish.platform) if old else None
    fits = found and wish.policy in ("auto", found.origin)
    return found if fits else None


def locked(recipes: Sequence[Recipe], wish: Wish, old: Lock | None, ports: Ports, tell: Tell) -> Ground:
    """The base as it is now, brought into the engine. Packages that `old` pins on this very content stay."""
    tell(f"base {recipes[0].base}")
    ready = base.ready(recipes[0], wish, ports, _telling(tell))
    found = _base(ready, recipes[0].base, wish, ports)
    systems = []
    for digest, recipe in _stages(recipes).items():
        key = system_key(digest, found)
        kept = old.system(key) if old else None
        if kept is None:
            tell(f"packages of {recipe.cell.os}")
        systems.append(kept or packages.pinned(key, recipe, ready.id, ports))
    return Ground(base=found, systems=tuple(systems))


def _stages(recipes: Sequence[Recipe]) -> dict[str, Recipe]:
    """What the `os` stages ask for, each with a recipe that does. The account and folders do not count."""
    return {recipe.os_asked: recipe for recipe in recipes}


def _base(ready: Base, reference: str, wish: Wish, ports: Ports) -> LockedBase:
    """A base in the engine by its content. What an engine writes into a bootstrapped one's config is no part
    of it.
    """
    if ready.origin == "bootstrap":
        arch = ARCHES[wish.platform]
        tar = ports.source.bootstrap(wish.os.name, wish.os.codename or "", ports.go_on, arch)
        made = ports.source.rootfs(tar)
        return LockedBase(
            reference=reference,
            digest=None,
            platform=wish.platform,
            layers=(f"sha256:{made.sha256}",),
            env=(),
            labels=(),
            origin="bootstrap",
            created=made.date,
        )
    image = ports.engine.find(ready.id)
    if image is None or not image.layers:
        raise OutsideError.of(
            f"the engine does not tell the layers of {reference}", hint="pull it again, or try another engine"
        )
    return LockedBase(
        reference=reference,
        digest=ready.reference.partition("@")[2] or None,
        platform=wish.platform,
        layers=image.layers,
        env=image.env,
        labels=image.labels,
        origin=ready.origin,
        created=image.created,
    )


def _telling(tell: Tell) -> Callable[[Progress], None]:
    """Each step's name once; lines and bytes are too much for a lock."""
    told: set[str] = set()

    def hear(progress: Progress) -> None:
        if progress.step and progress.step not in told:
            told.add(progress.step)
            tell(progress.step)

    return hear
