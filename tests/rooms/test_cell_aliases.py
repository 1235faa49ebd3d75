"""Aliases of a matrix: which cell they mean, who must be good for them, and what is a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from cell_matrices import cells, matrix, problems

from builder.cell import Aim, aims
from builder.facts import load

AXES = ("debian12 ubuntu24.04", "3.11 3.12", "cpu 12.6", "2.7 2.8")


def found(*aliases: dict[str, Any], axes: tuple[str, str, str, str] = AXES, **rest: Any) -> tuple[Aim, ...]:
    asked = matrix(*axes, aliases=aliases, **rest)
    return aims(cells(*axes, aliases=aliases, **rest), asked, load())


def test_the_newest_is_by_torch_then_python_then_cuda_on_the_first_os() -> None:
    (latest,) = found({"tag": "latest"})
    assert (latest.tag, latest.means) == ("latest", ("debian12-py3.12-cu126-torch2.8.0",))
    assert len(latest.cells) == 16


def test_versions_are_compared_as_versions() -> None:
    (one,) = found({"tag": "latest"}, axes=("debian12", "3.10 3.9", "11.8 cpu", "2.7"))
    assert one.means == ("debian12-py3.10-cu118-torch2.7.1",)


def test_nobody_who_asks_for_the_newest_means_a_free_threaded_python() -> None:
    (one,) = found({"tag": "latest"}, axes=("debian12", "3.12 3.13t", "cpu", "2.8"))
    assert one.means == ("debian12-py3.12-cpu-torch2.8.0",)


def test_a_placeholder_makes_a_group_for_each_value() -> None:
    made = found({"tag": "py{python}-{cuda}", "os": "ubuntu*"})
    assert {one.tag: one.means[0] for one in made} == {
        "py3.11-cpu": "ubuntu24.04-py3.11-cpu-torch2.8.0",
        "py3.11-cu126": "ubuntu24.04-py3.11-cu126-torch2.8.0",
        "py3.12-cpu": "ubuntu24.04-py3.12-cpu-torch2.8.0",
        "py3.12-cu126": "ubuntu24.04-py3.12-cu126-torch2.8.0",
    }
    assert all(len(one.cells) == 2 for one in made)


@pytest.mark.parametrize("pattern", ["12.*", "cu126", ">=12", "12"])
def test_patterns_are_those_of_exclude(pattern: str) -> None:
    (one,) = found({"tag": "cuda12", "cuda": pattern})
    assert len(one.cells) == 8
    assert all("cu126" in cell for cell in one.cells)


def test_cells_that_are_not_built_do_not_count() -> None:
    (one,) = found({"tag": "latest"}, exclude=[{"torch": "2.8"}])
    assert one.means == ("debian12-py3.12-cu126-torch2.7.1",)
    assert len(one.cells) == 8


@pytest.mark.parametrize(
    ("aliases", "rest", "message"),
    [
        ([{"tag": "old", "torch": "1.13"}], {}, "the alias 'old' means no cell"),
        ([{"tag": "x", "torch": "2.8"}], {"exclude": [{"torch": "2.8"}]}, "the alias 'x' means no cell"),
        (
            [{"tag": "debian12-py3.11-cpu-torch2.8.0"}],
            {},
            "the alias 'debian12-py3.11-cpu-torch2.8.0' is the tag of debian12-py3.11-cpu-torch2.8.0 already",
        ),
        ([{"tag": "a"}, {"tag": "a", "cuda": "cpu"}], {}, "the alias 'a' is an alias (line 9) already"),
    ],
)
def test_what_can_mean_nothing_is_told(
    aliases: list[dict[str, Any]], rest: dict[str, Any], message: str
) -> None:
    (told,) = problems(*AXES, aliases=aliases, **rest)
    assert told[1] == message
