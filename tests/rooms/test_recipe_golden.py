"""Recipes against the golden files, byte for byte."""

import pytest

from builder.facts import Facts, load
from tests.golden.cells import HERE, OSES, expected, golden_cells, kept

ADVICE = "run `python -m tests.golden.update`, and read the difference before you commit it"


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


@pytest.fixture(scope="module")
def files(facts: Facts) -> dict[str, bytes]:
    return expected(facts)


def test_every_recipe_is_its_golden_one(files: dict[str, bytes]) -> None:
    differing = [
        path
        for path, content in files.items()
        if (HERE / path).exists() and (HERE / path).read_bytes() != content
    ]
    assert differing == [], ADVICE


def test_no_golden_file_is_missing_or_left_over(files: dict[str, bytes]) -> None:
    assert set(files) - kept() == set(), ADVICE
    assert kept() - set(files) == set(), ADVICE


def test_the_golden_cells_cover_what_is_promised(facts: Facts) -> None:
    cells = list(golden_cells(facts))
    seen = {(one.os, one.provider, "cpu" if one.cuda == "cpu" else one.flavor) for one in cells}
    assert {
        (os, provider, cuda)
        for os in OSES
        for provider in ("standalone", "system", "conda")
        for cuda in ("cpu", "runtime")
    } <= seen
    devel = {os for os, _, cuda in seen if cuda == "devel"}
    assert {
        "ubuntu18.04",
        "ubuntu20.04",
        "ubuntu22.04",
        "ubuntu24.04",
        "centos7",
        "centos8",
        "rocky8",
        "rocky9",
    } <= devel
    assert len({one.id + one.provider + one.flavor for one in cells}) == len(cells)
