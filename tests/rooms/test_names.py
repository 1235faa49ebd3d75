"""How things are spelled."""

from __future__ import annotations

from itertools import permutations

import pytest

from builder import facts, names


def test_versions_order_as_versions_and_not_as_text() -> None:
    ordered = ("cpu", "3.6", "3.9", "3.10", "3.13", "3.13t", "3.14")
    for shuffled in permutations(ordered):
        assert sorted(shuffled, key=names.version_key) == list(ordered)
    assert names.version_key("12.5") < names.version_key("12.9") < names.version_key("12.10")


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("cpu", "cpu"),
        ("9.2", "cu92"),
        ("10.0", "cu100"),
        ("11.8", "cu118"),
        ("12.6", "cu126"),
        ("12.10", "cu1210"),
        ("13", "cu13"),
    ],
)
def test_cuda_versions_have_a_name_and_back(version: str, name: str) -> None:
    assert names.variant(version) == name
    assert names.cuda_version(name) == version
    assert names.cuda_version(version) == version


def test_every_cuda_of_the_tables_survives_the_way_there_and_back() -> None:
    for version in facts.load().cuda:
        assert names.cuda_version(names.variant(version)) == version


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("centos*", "centos-stream9"),
        ("ubuntu22.04", "ubuntu22.04"),
        ("<3.11", "3.9"),
        ("<3.11", "3.10"),
        (">=2.1,<2.4", "2.3.1"),
        ("2.8", "2.8.0"),
        (">=12.9", "12.10"),
        ("3.1?", "3.12"),
        ("<=3.13", "3.13t"),
    ],
)
def test_a_pattern_means_a_value(pattern: str, value: str) -> None:
    assert names.matches(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("centos*", "ubuntu22.04"),
        ("<3.11", "3.11"),
        ("2.8", "2.80.0"),
        ("3.1", "3.10"),
        (">=12.9", "cpu"),
        (">=nonsense", "3.9"),
        ("3.13", "3.13t"),
    ],
)
def test_a_pattern_does_not_mean_a_value(pattern: str, value: str) -> None:
    assert not names.matches(pattern, value)


@pytest.mark.parametrize("os", list(facts.load().os))
@pytest.mark.parametrize(
    ("python", "cuda"), [("3.11", "cpu"), ("3.13t", "12.6"), ("3.11.7", "9.2"), ("3.9", "12.10")]
)
def test_an_id_is_read_as_it_was_written(os: str, python: str, cuda: str) -> None:
    for architecture in ("", "amd64", "arm64"):
        told = {"os": os, "python": python, "torch": "2.8.0", "architecture": architecture}
        match = names.CELL_ID.fullmatch(names.cell_id(**told, cuda=cuda))
        assert match is not None
        assert match.groupdict("") == {**told, "cuda": names.variant(cuda)}
