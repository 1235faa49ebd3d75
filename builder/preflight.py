"""Recipes → what the outside has of their inputs today: bases, wheels, Pythons; and whether their OS is still
supported. Nothing is fetched.

What could not be asked is unknown, with the reason: an index that does not answer makes no cell impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from builder.errors import CellError, EnvbuildError, NotAskedError
from builder.facts import Facts, OsRow
from builder.matrix import BaseSource
from builder.recipe import Recipe
from builder.remembered import Remembered
from builder.source.api import Order, Source

AT_ONCE = 8
NOBODY = "PyTorch's own index does not answer from here"
What = Literal["base", "python", "wheels", "os"]
Found = Literal["there", "missing", "unknown"]
Digest = Callable[[str], str | None]  # of an image's reference; None: the registry has no such tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a cell: `what` it is, whether it was found, and a `note`: its digest or version, or why
    not.
    """

    what: What
    name: str
    found: Found
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked, and what was remembered of earlier answers."""

    source: Source
    digest: Digest
    remembered: Remembered

    def note(self, key: str, ask: Callable[[], str | None]) -> str | None:
        """The answer, of before or of now."""
        return self.remembered.note(key, ask)


def look(
    recipes: Sequence[Recipe], policy: BaseSource, asked: Asked, facts: Facts
) -> Mapping[str, tuple[Input, ...]]:
    """The inputs of each cell. What several cells need is asked once, and within an hour not again; of the OS
    the tables know.
    """
    bases = () if policy == "bootstrap" else tuple({recipe.base: None for recipe in recipes})
    orders = tuple({recipe.order: None for recipe in recipes})
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preflight") as pool:
        based = pool.map(lambda base: _base(base, asked), bases)
        ordered = pool.map(lambda order: _order(order, asked), orders)
        seen_bases, seen_orders = (
            dict(zip(bases, based, strict=True)),
            dict(zip(orders, ordered, strict=True)),
        )
    asked.remembered.keep()
    return {
        recipe.cell.id: (
            *filter(None, (seen_bases.get(recipe.base),)),
            *seen_orders[recipe.order],
            *filter(None, (_own_python(recipe),)),
            system(facts.os[recipe.cell.os], facts),
        )
        for recipe in recipes
    }


def _base(base: str, asked: Asked) -> Input:
    return _asked("base", base, lambda: asked.note(f"base {base}", lambda: asked.digest(base)))


def _own_python(recipe: Recipe) -> Input | None:
    """A Python that comes with packages which nobody is asked about before a lock or a build."""
    cell = recipe.cell
    if cell.provider == "standalone":
        return None
    if cell.provider == "system":
        note = f"the packages of {cell.os}, by the tables"
        return Input(what="python", name=f"Python {cell.python} of {cell.os}", found="there", note=note)
    return Input(
        what="python", name=f"Python {cell.python}", found="unknown", note="conda's channel is not asked"
    )


def system(row: OsRow, facts: Facts) -> Input:
    """Whether a system is still supported; if not, whether one knows where its packages went."""
    if row.eol >= facts.day:
        return Input(
            what="os", name=row.name, found="there", note=f"supported until {row.eol}, by the tables"
        )
    ended, read = f"regular support ended on {row.eol}", facts.tables["os"].verified
    if row.mirrors != "live":
        note = f"{ended}; its packages are in the {row.mirrors}, by the tables of {read}"
        return Input(what="os", name=row.name, found="there", note=note)
    if row.eol < read:
        note = f"{ended}; its packages were still on the mirrors on {read}"
        return Input(what="os", name=row.name, found="there", note=note)
    note = f"{ended}, after these tables were made: where its packages went is not known"
    return Input(what="os", name=row.name, found="unknown", note=note)


def _order(order: Order, asked: Asked) -> tuple[Input, ...]:
    """The wheels, and the Python where it is a standalone one."""
    first, *more = order.requirements
    wheels = f"{first} and {len(more)} more for Python {order.python}, glibc {order.glibc}, {order.arch}"
    found = [_asked("wheels", wheels, lambda: asked.note(repr(order), lambda: _wheels(order, asked.source)))]
    if order.standalone:
        key = f"python {order.python} {order.arch}"
        offered = lambda: asked.note(key, lambda: asked.source.offers(order.python, order.arch))  # noqa: E731
        found.append(_asked("python", f"Python {order.python}", offered))
    return tuple(found)


def _wheels(order: Order, source: Source) -> str:
    """How many there are, and which torch."""
    wheels = source.resolve(replace(order, standalone=False)).wheels
    told = [f"{pin.name} {pin.version} sha256:{pin.sha256[:12]}" for pin in wheels if pin.name == "torch"]
    return ", ".join([f"{len(wheels)} wheel{'s' * (len(wheels) != 1)}", *told])


def _asked(what: What, name: str, ask: Callable[[], str | None]) -> Input:
    """What an answer amounts to: None and a cell's own error is that it is not there, all else unknown."""
    try:
        note = ask()
    except NotAskedError as error:
        (problem, *_) = error.problems
        return Input(what=what, name=name, found="unknown", note=f"{problem.message}, and {NOBODY}")
    except CellError as error:
        return Input(what=what, name=name, found="missing", note=error.problems[0].message)
    except EnvbuildError as error:
        return Input(what=what, name=name, found="unknown", note=error.problems[0].message)
    if note is None:
        return Input(what=what, name=name, found="missing", note="the registry has no such tag")
    return Input(what=what, name=name, found="there", note=note)
