"""A change of one small package changes one carrier."""

import random

import pytest

from builder.content.grouping import groups
from builder.errors import OutsideError
from builder.source.api import Pin

MB = 1_000_000
CUDA = {
    "torch": 800, "nvidia-cublas": 500, "nvidia-cudnn": 700, "nvidia-nccl": 300, "triton": 170,
    "numpy": 17, "sympy": 6, "networkx": 2, "nvidia-nvtx": 1,
}  # fmt: skip


def pins(sizes):
    return [
        Pin(name=name, version="1", filename=f"{name}.whl", url="", sha256="", size=round(size * MB))
        for name, size in sizes.items()
    ]


def names(sizes):
    given = pins(sizes)
    random.Random(len(sizes)).shuffle(given)  # noqa: S311
    return [[pin.name for pin in group] for group in groups(given)]


def test_large_wheels_have_their_own_largest_first_and_the_rest_comes_last():
    assert names(CUDA) == [
        *(["torch"], ["nvidia-cudnn"], ["nvidia-cublas"], ["nvidia-nccl"], ["triton"]),
        ["networkx", "numpy", "nvidia-nvtx", "sympy"],
    ]


def test_a_small_change_moves_the_rest_alone():
    before, after = names(CUDA), names({**CUDA, "sympy": 7, "pandas": 12})
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_the_rest_is_split_where_it_grows():
    rest = names({f"p{number:02}": 50 for number in range(12)})
    assert [len(group) for group in rest] == [5, 5, 2]


def test_equal_sizes_go_by_name():
    assert names({"b": 70, "a": 70, "c": 60}) == [["a"], ["b"], ["c"]]


def test_an_image_has_no_more_layers_than_engines_take():
    found = names({f"p{number:02}": 100 for number in range(60)})
    assert 2 * len(found) < 90
    assert sorted(name for group in found for name in group) == [f"p{number:02}" for number in range(60)]


def test_nothing_is_no_group():
    assert groups([]) == ()


def test_no_size_is_no_guess():
    with pytest.raises(OutsideError, match=r"the size of a\.whl is not known"):
        groups([Pin(name="a", version="1", filename="a.whl", url="", sha256="")])
