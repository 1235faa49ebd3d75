"""Recipes + sources + the lock that was there → Lock.

Distinct bases, `os` stages and orders are worked on once, and at the same time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from builder.base import Wish
from builder.errors import EnvbuildError, InterruptedByUserError, OutsideError, Problem
from builder.lock import ground
from builder.lock.environments import held, public, resolve
from builder.lock.ground import Ground
from builder.lock.staleness import checksum
from builder.lock.values import CANONICAL, Lock, LockedCell, system_key
from builder.matrix import Matrix
from builder.ports import Ports
from builder.recipe import Recipe
from builder.source.api import Supplies

JOBS = 4
NO_DATE = 946684800  # 2000-01-01: where neither a base nor its lists have a date

Tell = Callable[[str], None]
Where = tuple[str, str]  # a base's reference and platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be locked.

    `recipes` are those of all cells that the matrix selects, `wishes` the base that each of them wants by its
    id; `chosen` are the ids of the cells to look at now, the others keep what they have.

    `upgrade`: None keeps every pin that still serves, `()` none of them, and names all pins but theirs.
    """

    matrix: Matrix
    recipes: tuple[Recipe, ...]
    wishes: Mapping[str, Wish]
    chosen: frozenset[str]
    upgrade: tuple[str, ...] | None = None
    offline: bool = False  # neither a registry nor a distribution is asked


def settled(asked: Asked, old: Lock | None) -> Lock | None:
    """The new lock, where the old one has all that it takes; None where somebody has to be asked."""
    grounds = _known(asked, old)
    kept = [_kept(asked, recipe, old) for recipe in _members(asked, old)]
    if old is None or asked.upgrade == () or not all(grounds.values()) or not all(kept):
        return None
    return _whole(asked, [one for one in kept if one], {where: one for where, one in grounds.items() if one})


def asks_engine(asked: Asked, old: Lock | None) -> bool:
    """Whether `make` asks an engine: for a base, or the packages on it, that the old lock does not have."""
    return not asked.offline and not all(_known(asked, old).values())


def make(asked: Asked, old: Lock | None, ports: Ports, tell: Tell) -> Lock:
    """The lock of what is asked. Raises everything that went wrong, each with its cell."""
    made, failed = attempt(asked, old, ports, tell)
    if failed:
        raise together(failed)
    return made


def attempt(
    asked: Asked, old: Lock | None, ports: Ports, tell: Tell
) -> tuple[Lock, dict[str, EnvbuildError]]:
    """The lock of the cells that can be locked, and what went wrong with each other one."""
    grounds = _known(asked, old)
    if asked.offline:
        _refuse_unknown(asked, old, grounds)
    settled_pins = {recipe.cell.id: _kept(asked, recipe, old) for recipe in _members(asked, old)}
    orders = {
        recipe.cell.id: held(recipe, old, asked.upgrade)
        for recipe in _members(asked, old)
        if settled_pins[recipe.cell.id] is None
    }
    with ThreadPoolExecutor(max_workers=JOBS, thread_name_prefix="lock") as pool:
        bases = {
            where: pool.submit(_ground, asked, recipes, old, ports, tell)
            for where, recipes in _by_base(asked, old).items()
            if not grounds[where]
        }
        distinct = dict.fromkeys(orders.values())
        resolved = {order: pool.submit(resolve, order, ports, tell) for order in distinct}
        _settle(ports, *bases.values(), *resolved.values())
    lost = {where: error for where, future in bases.items() if (error := _error(future))}
    unresolved = {order: error for order, future in resolved.items() if (error := _error(future))}
    failed: dict[str, EnvbuildError] = {}
    cells = []
    for recipe in _members(asked, old):
        ident = recipe.cell.id
        order = orders.get(ident)
        error = lost.get((recipe.base, recipe.cell.platform))
        if error is None and order is not None:
            error = unresolved.get(order)
        if error:
            failed[ident] = error
        else:
            cells.append(settled_pins[ident] or _cell(recipe, resolved[orders[ident]].result()))
    known = {where: one for where, one in grounds.items() if one}
    known |= {where: future.result() for where, future in bases.items() if where not in lost}
    needed = {(cell.base, cell.platform) for cell in cells}
    return _whole(asked, cells, {where: one for where, one in known.items() if where in needed}), failed


def _members(asked: Asked, old: Lock | None) -> tuple[Recipe, ...]:
    """The cells that will be in the lock: those chosen, and others that were in it and have not changed."""
    same = {cell.id: cell.recipe for cell in old.cells} if old else {}
    return tuple(
        recipe
        for recipe in asked.recipes
        if recipe.cell.id in asked.chosen or same.get(recipe.cell.id) == recipe.digest
    )


def _by_base(asked: Asked, old: Lock | None) -> dict[Where, list[Recipe]]:
    found: dict[Where, list[Recipe]] = {}
    for recipe in _members(asked, old):
        found.setdefault((recipe.base, recipe.cell.platform), []).append(recipe)
    return found


def _wish(asked: Asked, recipes: Sequence[Recipe]) -> Wish:
    return asked.wishes[recipes[0].cell.id]


def _kept(asked: Asked, recipe: Recipe, old: Lock | None) -> LockedCell | None:
    """The cell as it was locked, if nothing of its environment is to change."""
    found = old.cell(recipe.cell.id) if old else None
    if found is None or found.recipe != recipe.digest:
        return None
    if recipe.cell.id not in asked.chosen or asked.upgrade is None:
        return found
    wanted = not asked.upgrade or any(pin.name in asked.upgrade for pin in found.pins)
    return None if wanted else found


def _known(asked: Asked, old: Lock | None) -> dict[Where, Ground | None]:
    """Base → what the old lock has of it and its packages; None where somebody is to be asked."""
    return {
        where: None if _anew(asked, recipes) else ground.known(recipes, _wish(asked, recipes), old)
        for where, recipes in _by_base(asked, old).items()
    }


def _anew(asked: Asked, recipes: Sequence[Recipe]) -> bool:
    return asked.upgrade == () and any(recipe.cell.id in asked.chosen for recipe in recipes)


def _ground(asked: Asked, recipes: Sequence[Recipe], old: Lock | None, ports: Ports, tell: Tell) -> Ground:
    """The base and its packages as they are now."""
    kept = None if _anew(asked, recipes) else old
    return ground.locked(recipes, _wish(asked, recipes), kept, ports, tell)


def _refuse_unknown(asked: Asked, old: Lock | None, grounds: Mapping[Where, Ground | None]) -> None:
    """Offline there is nobody to ask: told before anything is resolved."""
    hint = "run `envbuild lock` where there is a network; the lock then serves here"
    packages = asked.matrix.system
    problems = [
        Problem(
            message=f"offline, nobody tells {ground.untold(recipes, _wish(asked, recipes), old, packages)}",
            hint=hint,
        )
        for where, recipes in _by_base(asked, old).items()
        if not grounds[where]
    ]
    if problems:
        raise OutsideError(problems)


def _settle(ports: Ports, *futures: Future[Ground] | Future[Supplies]) -> None:
    """Wait for all; on Ctrl-C ask what is under way to stop."""
    try:
        for future in futures:
            future.exception()
    except BaseException:
        ports.cancel.set()
        for future in futures:
            future.cancel()
        raise


def _error(future: Future[Any]) -> EnvbuildError | None:
    """What the work failed of. Raises what is a bug, and an interruption, which is no cell's own."""
    error = future.exception()
    if error is not None and (
        not isinstance(error, EnvbuildError) or isinstance(error, InterruptedByUserError)
    ):
        raise error
    return error


def together(failed: Mapping[str, EnvbuildError]) -> EnvbuildError:
    """One error of the worst kind, with all problems, each once and with the first cell that met it."""
    first: dict[int, tuple[str, EnvbuildError]] = {}
    for cell, error in failed.items():
        first.setdefault(id(error), (cell, error))
    worst = max((type(error) for error in failed.values()), key=lambda kind: kind.exit_code)
    return worst(
        problem if problem.cell else dataclasses.replace(problem, cell=cell)
        for cell, error in first.values()
        for problem in error.problems
    )


def _cell(recipe: Recipe, supplies: Supplies) -> LockedCell:
    interpreter = supplies.interpreter
    return LockedCell(
        id=recipe.cell.id,
        recipe=recipe.digest,
        base=recipe.base,
        platform=recipe.cell.platform,
        system="",
        interpreter=public(interpreter) if interpreter else None,
        wheels=tuple(public(pin) for pin in sorted(supplies.wheels, key=lambda pin: pin.name)),
    )


def _whole(asked: Asked, cells: Sequence[LockedCell], grounds: Mapping[Where, Ground]) -> Lock:
    """The parts put together, everything in its order."""
    recipes = {recipe.cell.id: recipe for recipe in asked.recipes}
    systems = {system.key: system for one in grounds.values() for system in one.systems}
    dates = [system.date for system in systems.values()] + [one.base.created for one in grounds.values()]
    return Lock(
        matrix=checksum(asked.matrix.path),
        canonical=CANONICAL,
        epoch=max(NO_DATE, *dates) if dates else NO_DATE,
        bases=tuple(grounds[where].base for where in sorted(grounds)),
        systems=tuple(systems[key] for key in sorted(systems)),
        cells=tuple(
            dataclasses.replace(
                cell,
                system=system_key(recipes[cell.id].os_asked, grounds[cell.base, cell.platform].base),
            )
            for cell in sorted(cells, key=lambda cell: cell.id)
        ),
    )
