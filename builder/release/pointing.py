"""Aliases: tags that several cells stand for, and that move when all of these are in the registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from builder.cell import Group
from builder.errors import CellError
from builder.release.planning import Outside, Plan, Tagging, tagging
from builder.release.publishing import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What becomes of an alias. `left` is why it is left alone, empty where it is not."""

    group: Group
    tagging: Tagging | None = None
    left: str = ""
    exit_code: int = 0
    done: bool = False


def pointer(group: Group, plans: Mapping[str, Plan], outside: Outside, *, fixed: bool) -> Pointer:
    """What is to become of an alias, by the plans of its cells; `fixed` where it must not move."""
    missing = [cell for cell in group.cells if cell not in plans]
    if missing:
        return Pointer(group=group, left=_without(missing))
    plan = plans[group.newest]
    found = tagging(group.tag, plan.digest, plan.target.path, outside.registry)
    if fixed and found.step == "moves":
        why = f"it must not move, and names {str(found.before)[:19]}; --force {group.tag} moves it"
        return Pointer(group=group, tagging=found, left=why, exit_code=CellError.exit_code)
    return Pointer(group=group, tagging=found)


def point(
    planned: Pointer, plans: Mapping[str, Plan], released: Collection[str], outside: Outside
) -> Pointer:
    """Put an alias, if all of its cells are `released`. Raises `OutsideError` where the registry fails."""
    group, found = planned.group, planned.tagging
    missing = [cell for cell in group.cells if cell not in released]
    if planned.left or missing or found is None:
        return dataclasses.replace(planned, left=planned.left or _without(missing))
    outside.ports.go_on()
    if found.step != "same":
        put(plans[group.newest], outside, group.tag)
    return dataclasses.replace(planned, done=True)


def _without(missing: list[str]) -> str:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"not all of its cells are published: {missing[0]}{more}"
