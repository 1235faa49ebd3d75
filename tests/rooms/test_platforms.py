"""A matrix for several platforms: a cell for each, a lock of both, and one tag for what they are together."""

from dataclasses import replace
from pathlib import Path

import pytest
from cell_matrices import cells, matrix, problems
from lock_outside import MATRIX, asked, ports

from builder import lock
from builder.cell import Aim, aims
from builder.errors import InputError
from builder.facts import load
from builder.matrix import parse

BOTH = "linux/amd64 linux/arm64"
AXES = ("debian12", "3.11", "cpu", "2.8")
AMD64, ARM64 = "debian12-py3.11-cpu-torch2.8.0-amd64", "debian12-py3.11-cpu-torch2.8.0-arm64"
TOGETHER = "debian12-py3.11-cpu-torch2.8.0"


def platforms(text: str) -> tuple[str, ...]:
    return parse(f"{MATRIX}platform: {text}\n", Path("m.yaml")).platforms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("linux/arm64", ("linux/arm64",)),
        ("[linux/arm64]", ("linux/arm64",)),
        ("[linux/arm64, linux/amd64]", ("linux/amd64", "linux/arm64")),
    ],
)
def test_one_platform_or_a_list_in_any_order(text, found):
    assert platforms(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "platform is empty"),
        ("[linux/amd64, linux/amd64]", "twice"),
        ("[linux/amd64, linux/arm]", "'linux/arm'"),
        ("windows/amd64", "'windows/amd64'"),
        ("[[linux/amd64]]", "platform"),
    ],
)
def test_what_is_no_platform_is_told_at_its_place(text, words):
    with pytest.raises(InputError) as caught:
        platforms(text)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert problem.place is not None
    assert problem.place.line == MATRIX.count("\n") + 1
    assert problem.hint


def test_a_matrix_with_one_platform_has_its_names_unchanged():
    (one,) = cells(*AXES, platform="linux/arm64")
    assert (one.id, one.platform, one.shared) == (TOGETHER, "linux/arm64", ())
    assert one.tags == (f"example.com/t:{TOGETHER}",)
    assert aims((one,), matrix(*AXES, platform="linux/arm64"), load()) == ()


def test_each_combination_has_a_cell_for_each_platform():
    made = cells("debian12", "3.11 3.12", "cpu", "2.8", platform=BOTH)
    assert [one.id for one in made[:2]] == [AMD64, ARM64]
    assert [one.platform for one in made] == ["linux/amd64", "linux/arm64"] * 2
    assert [one.tags for one in made[:2]] == [(f"example.com/t:{AMD64}",), (f"example.com/t:{ARM64}",)]
    assert {one.shared for one in made[:2]} == {(f"example.com/t:{TOGETHER}",)}


def test_a_verdict_is_one_platform_s_and_so_is_what_is_possible_instead():
    amd64, arm64 = cells("debian12", "3.11", "cpu", "1.13", platform=BOTH, impossible="drop")
    assert (amd64.verdict, arm64.verdict) == ("possible", "impossible")
    nearest = [name for one in arm64.reasons for name in one.nearest]
    assert nearest
    assert all(name.endswith("-arm64") for name in nearest)


def test_included_cells_are_for_every_platform():
    wish = {"os": "debian12", "python": "3.12", "cuda": "cpu", "torch": "2.8", "reason": "why not"}
    made = cells(*AXES, platform=BOTH, include=[wish])
    assert [one.id.rpartition("-")[2] for one in made] == ["amd64", "arm64"] * 2


def test_the_tag_of_what_they_are_together_is_an_index_of_all():
    made = cells(*AXES, platform=BOTH)
    (aim,) = aims(made, matrix(*AXES, platform=BOTH), load())
    assert aim == Aim(tag=TOGETHER, means=(AMD64, ARM64), cells=(AMD64, ARM64), index=True)


def test_an_alias_means_the_newest_on_each_platform_that_it_is_for():
    axes = ("debian12", "3.11", "12.6 cpu", "2.8")
    rest = {
        "platform": BOTH,
        "impossible": "drop",
        "aliases": [{"tag": "latest"}, {"tag": "c", "cuda": "cpu"}],
    }
    made = cells(*axes, **rest)
    found = {aim.tag: aim for aim in aims(made, matrix(*axes, **rest), load())}
    assert found["c"].means == (AMD64, ARM64)
    assert found["latest"].means == ("debian12-py3.11-cu126-torch2.8.0-amd64",)
    assert set(found["latest"].cells) == {AMD64, ARM64, *found["latest"].means}
    assert all(aim.index for aim in found.values())


def test_a_tag_of_all_platforms_is_no_alias():
    told = problems(*AXES, platform=BOTH, aliases=[{"tag": TOGETHER}])
    words = f"the alias '{TOGETHER}' is the tag of cells for several platforms already"
    assert [text for _, text in told] == [words]


def test_a_tag_that_would_be_one_cell_s_and_all_platforms_is_a_mistake():
    told = problems(*AXES, platform=BOTH, tags=["x", "x-arm64"])
    assert told[0][1] == f"'x-arm64' would be the tag of {ARM64}, and of {AMD64} on all platforms"


def test_a_lock_has_a_base_for_each_platform_and_reads_back(tmp_path):
    text = MATRIX.replace("[debian12, debian13]", "[debian12]") + "platform: [linux/amd64, linux/arm64]\n"
    wanted, outside = asked(tmp_path, text), ports(tmp_path)
    made = lock.make(wanted, None, outside, lambda step: None)
    assert [(base.reference, base.platform) for base in made.bases] == [
        ("debian:12", "linux/amd64"),
        ("debian:12", "linux/arm64"),
    ]
    assert {made.name_of(base) for base in made.bases} == {"debian:12 linux/amd64", "debian:12 linux/arm64"}
    assert [cell.platform for cell in made.cells] == ["linux/amd64", "linux/arm64"]
    assert len({cell.system for cell in made.cells}) == 2  # other programs, other packages
    assert {order.arch for order in outside.source.orders} == {"x86_64", "aarch64"}
    assert lock.stale(made, wanted.matrix, wanted.recipes) == ()
    assert lock.loads(lock.dumps(made), tmp_path / "m.lock.json") == made
    alone = replace(made, bases=made.bases[:1], systems=made.systems[:1], cells=made.cells[:1])
    assert alone.name_of(alone.bases[0]) == "debian:12"
