"""Tags that stand for several cells: aliases, and an index of the platforms of one combination. They are put
when all of these cells are in the registry.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from builder.cell import Aim
from builder.errors import CellError
from builder.registry.api import MANIFEST
from builder.release import manifests
from builder.release.planning import Outside, Tagging, tagging
from builder.release.publishing import put, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """An image that a registry has, or is about to have: its platform (`linux/amd64`) and its manifest."""

    platform: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A cell that this run is not about: if its `tag` names an image that was made from the very `inputs`, it
    was published by another run.
    """

    platform: str
    tag: str
    inputs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What becomes of a tag. `left` is why it is left alone, empty where it is not."""

    aim: Aim
    body: bytes = b""
    tagging: Tagging | None = None
    left: str = ""
    exit_code: int = 0
    done: bool = False

    @property
    def digest(self) -> str | None:
        """Of the manifest or index that the tag is to name."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}" if self.body else None


def there(other: Other, path: str, outside: Outside) -> Present | None:
    """The image of a cell that another run published; None where it did not, or from other inputs."""
    found = outside.registry.manifest(path, other.tag)
    if found is None:
        return None
    try:
        document = json.loads(found.body)
        told = document["mediaType"], document["annotations"][manifests.INPUTS]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    same = told == (MANIFEST, other.inputs)
    return Present(platform=other.platform, body=found.body) if same else None


def pointer(aim: Aim, present: Mapping[str, Present], path: str, outside: Outside, *, fixed: bool) -> Pointer:
    """What is to become of a tag; `fixed` where it must not move."""
    missing = [cell for cell in aim.cells if cell not in present]
    if missing:
        return Pointer(aim=aim, left=_without(missing))
    named = [present[cell] for cell in aim.means]
    body = manifests.index([(one.platform, one.body) for one in named]) if aim.index else named[0].body
    made = Pointer(aim=aim, body=body)
    found = tagging(aim.tag, str(made.digest), path, outside.registry)
    if fixed and found.step == "moves":
        why = f"it must not move, and names {str(found.before)[:19]}; --force {aim.tag} moves it"
        return dataclasses.replace(made, tagging=found, left=why, exit_code=CellError.exit_code)
    return dataclasses.replace(made, tagging=found)


def point(planned: Pointer, published: Collection[str], path: str, outside: Outside) -> Pointer:
    """Put a tag, if all of its cells are `published`. Raises `OutsideError` where the registry fails."""
    aim, found = planned.aim, planned.tagging
    missing = [cell for cell in aim.cells if cell not in published]
    if planned.left or missing or found is None:
        return dataclasses.replace(planned, left=planned.left or _without(missing))
    outside.ports.go_on()
    if outside.signer:
        put(planned.body, path, outside)  # an index is known by its tag alone until then
        sign(str(planned.digest), path, outside, lambda _: None)
    if found.step != "same":
        put(planned.body, path, outside, aim.tag)
    return dataclasses.replace(planned, done=True)


def _without(missing: list[str]) -> str:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"not all of its cells are published: {missing[0]}{more}"
