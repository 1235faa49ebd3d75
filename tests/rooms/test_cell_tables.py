"""What holds for every cell that the tables can spell, by each provider and flavor."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from cell_matrices import cells

from builder import facts, names
from builder.cell import Cell
from builder.cell.circumstances import Circumstances
from builder.cell.judge import Judge, verdict
from builder.cell.nearest import Atlas

pytestmark = pytest.mark.slow

FACTS = facts.load()
BUILDS = {name for row in FACTS.torch.values() for name in row.variants + row.variants_unconfirmed}
CUDAS = sorted(map(names.cuda_version, BUILDS), key=names.version_key)
PYTHONS = sorted({p for row in FACTS.torch.values() for p in row.python["x86_64"]}, key=names.version_key)
WORLDS: list[dict[str, Any]] = [
    {},
    {"provider": "system"},
    {"provider": "conda", "platform": "linux/arm64"},
    {"flavor": "devel"},
]


def _world(number: int, python: str) -> tuple[Cell, ...]:
    """All systems, variants and releases for one Python: 15,162 cells."""
    return cells(" ".join(FACTS.os), python, " ".join(CUDAS), " ".join(FACTS.torch), **WORLDS[number])


def _point(cell_id: str) -> tuple[str, str, str, str]:
    match = names.CELL_ID.fullmatch(cell_id)
    assert match is not None
    return (match["os"], match["python"], names.cuda_version(match["cuda"]), match["torch"])


def test_every_cell_is_judged_and_says_why() -> None:
    judge = Judge(FACTS, Circumstances())
    for point in product(FACTS.os, PYTHONS, CUDAS, FACTS.torch):
        reasons = judge.reasons(*point)
        left = judge.releases(*point[:3]) & judge.bit(point[3])
        assert (verdict(reasons) == "possible") == bool(left), "the search for neighbours judges alike"
        assert all(reason.source and reason.date and reason.message for reason in reasons)


@pytest.mark.parametrize(
    ("number", "python"),
    [(0, "3.6"), (0, "3.13"), (1, "3.12"), (1, "3.10"), (2, "3.7"), (2, "3.14t"), (3, "3.11")],
)
def test_every_blocked_cell_has_possible_neighbours(number: int, python: str) -> None:
    made = _world(number, python)
    around = Circumstances(
        arch=made[0].arch, provider=made[0].provider, flavor=WORLDS[number].get("flavor", "runtime")
    )
    judge = Judge(FACTS, around)
    for cell in made:
        blocking = [reason for reason in cell.reasons if reason.blocks]
        assert bool(blocking) == (cell.verdict != "possible")
        assert ("impossible" in {reason.weight for reason in blocking}) == (cell.verdict == "impossible")
        if blocking:
            assert 1 <= len(blocking[0].nearest) <= 3
    for near in {near for cell in made for reason in cell.reasons for near in reason.nearest}:
        assert verdict(judge.reasons(*_point(near))) == "possible", near


def test_neighbours_change_as_few_axes_as_can_be() -> None:
    """Against the plain search: every cell with one axis changed, then with two."""
    judge = Judge(FACTS, Circumstances(provider="system", flavor="devel"))
    atlas = Atlas(judge)
    axes = (list(FACTS.os), PYTHONS, CUDAS, list(FACTS.torch))
    seen = set()
    for point in list(product(*axes))[::9973]:
        if verdict(judge.reasons(*point)) == "possible":
            continue
        changes = {
            sum(a != b for a, b in zip(point, _point(near), strict=True)) for near in atlas.nearest(*point)
        }
        assert len(changes) == 1, "all neighbours are equally near"
        seen |= changes
        for fewer in range(1, changes.pop()):
            assert not _possible_within(judge, point, fewer, axes), point
    assert seen >= {1, 2}, "the sample holds near cells and far ones"


def _possible_within(judge: Judge, point: tuple[str, ...], changes: int, axes: tuple[list[str], ...]) -> bool:
    if changes == 1:
        moved = [(*point[:n], value, *point[n + 1 :]) for n, axis in enumerate(axes) for value in axis]
    else:
        everywhere = product(*axes)
        moved = [
            other for other in everywhere if sum(a != b for a, b in zip(point, other, strict=True)) == changes
        ]
    # A CPU build is no neighbour of a GPU build, nor the other way round.
    same = [other for other in moved if (other[2] == "cpu") == (point[2] == "cpu")]
    return any(verdict(judge.reasons(*other)) == "possible" for other in same)


def test_every_release_and_every_python_is_possible_somewhere() -> None:
    """A table that forbids too much would pass all tests above."""
    possible = {
        (cell.torch, cell.python)
        for cell in cells("ubuntu22.04", " ".join(PYTHONS), "cpu", " ".join(FACTS.torch), provider="conda")
        + cells("ubuntu22.04", " ".join(PYTHONS), "cpu", " ".join(FACTS.torch))
        if cell.verdict == "possible"
    }
    expected = {(version, python) for version, row in FACTS.torch.items() for python in row.python["x86_64"]}
    assert possible == expected


def test_a_cpu_cell_without_neighbours_does_not_speak_for_gpu_cells() -> None:
    """What a search finds empty is remembered; a CPU cell has no other CUDA to look at."""
    row = replace(FACTS.torch["2.8.0"], variants=("cu126", "cu128"))
    atlas = Atlas(Judge(replace(FACTS, torch={"2.8.0": row}), Circumstances()))
    assert atlas.nearest("debian12", "3.11", "cpu", "2.8.0") == ()
    assert atlas.nearest("debian12", "3.11", "12.9", "2.8.0")[0] == "debian12-py3.11-cu128-torch2.8.0"
