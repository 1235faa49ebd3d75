"""Locked recipes → the same images made twice from nothing, and what differs between the two.

Nothing of the cache and nothing of the engine's is used again: other temporary folders, another order, a
later time, and another engine where one is given. Files are fetched once: their sha256 says what they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from builder import image
from builder.engine.api import Assembled, Progress
from builder.errors import EnvbuildError, Problem
from builder.image import Locked, Parts
from builder.layer.difference import Difference, differences
from builder.ports import Ports

MOST = 20  # differences of one layer that are told
AT_ONCE = 8  # cells on their way; `Shared` bounds the work

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One cell of one round: the image that was put together, or why there is none."""

    image: Assembled | None = None
    parts: Parts = ()
    problems: tuple[Problem, ...] = ()
    exit_code: int = 0  # of what went wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both rounds of a cell. `differing` names each layer that differs, with the paths in it and why."""

    cell: str
    ids: tuple[str, ...]
    differing: tuple[tuple[str, tuple[Difference, ...]], ...] = ()
    problems: tuple[Problem, ...] = ()
    exit_code: int = 0

    @property
    def same(self) -> bool:
        """Whether both rounds made one image."""
        return not self.problems and len(set(self.ids)) == 1


def build(cells: Sequence[Locked], ports: Ports, on_progress: OnProgress) -> dict[str, Made]:
    """One round: every cell's image, by the cell's id. `ports` are fresh ones (`Ports.fresh`)."""
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="round") as pool:
        futures = {one.recipe.cell.id: pool.submit(_build, one, ports, on_progress) for one in cells}
        try:
            return {cell: future.result() for cell, future in futures.items()}
        except BaseException:
            ports.cancel.set()
            pool.shutdown(cancel_futures=True)
            raise


def _build(one: Locked, ports: Ports, on_progress: OnProgress) -> Made:
    try:
        image.fetch(one, ports, on_progress)
        made, parts = image.make(one, ports, on_progress)
    except EnvbuildError as error:
        return Made(problems=error.problems, exit_code=error.exit_code)
    return Made(image=made, parts=parts)


def forget(cells: Sequence[Locked], ports: Ports) -> None:
    """Take away from the engine what a fresh round left there."""
    for name in {ports.named(one.ground.image) for one in cells}:
        ports.engine.untag(name)


def compared(cell: str, one: Made, other: Made) -> Compared:
    """What the two rounds made of a cell. The layers of both must still be on disk."""
    if one.image is None or other.image is None:
        failed = other if one.image else one
        return Compared(cell=cell, ids=(), problems=failed.problems, exit_code=failed.exit_code)
    ids = (one.image.id, other.image.id)
    if ids[0] == ids[1]:
        return Compared(cell=cell, ids=ids)
    return Compared(cell=cell, ids=ids, differing=tuple(_differing(one, other)), exit_code=1)


def _differing(one: Made, other: Made) -> list[tuple[str, tuple[Difference, ...]]]:
    """Layer by layer; layers that only one of the two has are told by their label."""
    found: list[tuple[str, tuple[Difference, ...]]] = []
    for here, there in itertools.zip_longest(one.parts, other.parts):
        if here is None or there is None:
            found += [(part.label, ()) for part in (here, there) if part]
        elif here.layer.diff_id != there.layer.diff_id:
            found.append((here.label, differences(here.layer.path, there.layer.path)[:MOST]))
    return found
