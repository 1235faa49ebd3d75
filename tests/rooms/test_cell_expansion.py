"""From a matrix to its cells: order, rules, inclusions, refusals, tags; all mistakes with their places."""

from __future__ import annotations

import pytest
from cell_matrices import cell, cells, matrix, problems

from builder.cell import MAX_CELLS, expand, refusals
from builder.facts import load


def test_the_product_is_in_the_order_of_the_file_and_inclusions_follow() -> None:
    wish = {"os": "ubuntu20.04", "python": "3.9", "cuda": "11.8", "torch": "2.4", "reason": "legacy"}
    made = cells("ubuntu24.04 debian12", "3.12 3.11", "12.6 cpu", "2.8 2.7", include=[wish])
    assert len(made) == 17
    assert [c.id for c in made[:3]] == [
        "ubuntu24.04-py3.12-cu126-torch2.8.0",
        "ubuntu24.04-py3.12-cu126-torch2.7.1",
        "ubuntu24.04-py3.12-cpu-torch2.8.0",
    ]
    assert made[8].id == "debian12-py3.12-cu126-torch2.8.0"
    assert (made[-1].id, made[-1].status) == ("ubuntu20.04-py3.9-cu118-torch2.4.1", "included")


def test_values_take_the_names_of_the_tables() -> None:
    made = cell("ubuntu:22.04", "3.10", "cu126", "2.7")
    assert (made.os, made.cuda, made.torch) == ("ubuntu22.04", "12.6", "2.7.1")


def test_an_inclusion_may_have_its_own_provider() -> None:
    wish = {"os": "centos7", "python": "3.6", "cuda": "cpu", "torch": "1.10.1", "provider": "conda"}
    made = cells("debian12", "3.11", "cpu", "2.8", include=[wish])
    assert [(c.provider, c.verdict) for c in made] == [("standalone", "possible"), ("conda", "possible")]


def test_a_rule_excludes_by_glob_and_range_with_its_reason() -> None:
    rule = {"os": "centos*", "python": "<3.11", "reason": "nobody uses it"}
    made = cells("centos-stream9 ubuntu22.04", "3.9 3.10 3.11", "cpu", "2.7", exclude=[rule])
    assert [c.id for c in made if c.status == "excluded"] == [
        "centos-stream9-py3.9-cpu-torch2.7.1",
        "centos-stream9-py3.10-cpu-torch2.7.1",
    ]
    why = made[0].reasons[0]
    assert (why.rule, why.weight, why.message, why.source) == (
        "excluded",
        "excluded",
        "nobody uses it",
        "m.yaml:8:1",
    )
    assert not made[0].selected


@pytest.mark.parametrize("pattern", ["12.6", "cu126", "12.*", ">12.5", ">=12.6,<12.10"])
def test_a_rule_names_cuda_as_people_do(pattern: str) -> None:
    made = cells("ubuntu22.04", "3.11", "cpu 12.6", "2.7", exclude=[{"cuda": pattern}])
    assert [(c.cuda, c.status) for c in made] == [("cpu", "kept"), ("12.6", "excluded")]
    assert pattern in made[1].reasons[0].message


def test_a_rule_without_a_reason_is_its_own_reason() -> None:
    made = cells("ubuntu22.04", "3.11", "cpu 12.6", "2.7 2.8", exclude=[{"cuda": "12.6", "torch": "2.8"}])
    excluded = [c for c in made if c.status == "excluded"]
    assert [c.reasons[0].message for c in excluded] == ["excluded by {cuda: 12.6, torch: 2.8}"]


def test_impossible_cells_are_refused_each_with_its_place_and_hint() -> None:
    asked = matrix("ubuntu22.04", "3.11 3.13", "cpu", "1.13 2.8 9.9")
    refused = refusals(expand(asked, load()), asked)
    assert [problem.cell for problem in refused] == [
        "ubuntu22.04-py3.11-cpu-torch9.9",
        "ubuntu22.04-py3.13-cpu-torch1.13.1",
        "ubuntu22.04-py3.13-cpu-torch9.9",
    ]
    assert "no cp313 wheel" in refused[1].message
    assert "ubuntu22.04-py3.11-cpu-torch1.13.1" in (refused[1].hint or "")
    assert str(refused[1].place) == "m.yaml:5:1"


def test_with_drop_they_are_dropped_and_not_refused() -> None:
    asked = matrix("ubuntu22.04", "3.11 3.13", "cpu", "1.13 9.9", impossible="drop")
    made = expand(asked, load())
    assert [(c.verdict, c.status) for c in made] == [
        ("possible", "kept"),
        ("unknown", "dropped"),
        ("impossible", "dropped"),
        ("unknown", "dropped"),
    ]
    assert refusals(made, asked) == ()


@pytest.mark.parametrize("impossible", ["error", "drop"])
def test_an_excluded_cell_is_judged_and_never_refused(impossible: str) -> None:
    asked = matrix("ubuntu22.04", "3.13", "cpu", "1.13 2.8", exclude=[{"torch": "<2"}], impossible=impossible)
    made = expand(asked, load())
    assert (made[0].verdict, made[0].status) == ("impossible", "excluded")
    assert [why.rule for why in made[0].reasons] == ["excluded", "no_python_wheel"]
    assert refusals(made, asked) == ()


def test_an_included_cell_that_cannot_exist_is_refused() -> None:
    wish = {"os": "centos7", "python": "3.11", "cuda": "cpu", "torch": "2.7"}
    asked = matrix("debian12", "3.11", "cpu", "2.8", include=[wish])
    assert [problem.cell for problem in refusals(expand(asked, load()), asked)] == [
        "centos7-py3.11-cpu-torch2.7.1"
    ]


def test_all_mistakes_are_told_together_in_the_order_of_the_file() -> None:
    told = problems(
        "ubunto22.04 debian12 debian:12",
        "3.11 3.11",
        "12.6 cu126",
        "2.8 2.8.0",
        tags=["{os}-{phyton}"],
        exclude=[{"torch": "<2"}],
        include=[{"os": "debian12", "python": "3.11", "cuda": "12.6", "torch": "2.8.0"}],
    )
    assert told == [
        (1, "unknown OS 'ubunto22.04'"),
        (3, "'debian12' and 'debian:12' are both debian12"),
        (5, "'3.11' stands twice"),
        (7, "'12.6' and 'cu126' are both 12.6"),
        (9, "'2.8' and '2.8.0' are both 2.8.0"),
        (10, "this rule excludes nothing: no torch of the matrix is <2"),
        (11, "debian12-py3.11-cu126-torch2.8.0 is there already"),
        (12, "unknown placeholder {phyton} in the tag '{os}-{phyton}'"),
        (12, "'debian12-{phyton}' is not a tag that a registry takes"),
    ]


def test_hints_name_what_was_meant_and_both_places() -> None:
    from builder.errors import InputError

    with pytest.raises(InputError) as caught:
        cells("ubunto22.04 centos9 debian12", "3.11", "cpu", "2.8 2.8.0", tags=["{os}-{touch}"])
    hints = [problem.hint or "" for problem in caught.value.problems]
    assert hints[0] == "did you mean ubuntu22.04?"
    assert "centos" in hints[1]
    assert hints[2] == "remove one; the first is at m.yaml:6:1"
    assert hints[3] == "did you mean {torch}?"


def test_a_rule_about_a_misspelt_system_is_not_a_second_mistake() -> None:
    told = problems(
        "ubunto22.04 debian12", "3.11", "cpu", "2.8", exclude=[{"os": "ubunto22.04", "python": "3.11"}]
    )
    assert told == [(1, "unknown OS 'ubunto22.04'")]


def test_a_rule_is_not_told_to_name_one_of_no_systems() -> None:
    from builder.errors import InputError

    with pytest.raises(InputError) as caught:
        cells("plan9", "3.11", "cpu", "2.8", exclude=[{"os": "rocky*"}])
    hints = [problem.hint for problem in caught.value.problems if "excludes nothing" in problem.message]
    assert hints == ["remove the rule, or correct matrix.os first"]


@pytest.mark.parametrize("rule", [{"os": "rocky*"}, {"python": "3.1"}, {"cuda": ">=12.9"}, {"torch": "2.80"}])
def test_a_rule_that_matches_nothing_is_a_mistake(rule: dict[str, str]) -> None:
    told = problems("debian12", "3.11 3.10", "cpu 12.6", "2.8", exclude=[rule])
    assert len(told) == 1
    assert "excludes nothing" in told[0][1]


def test_two_inclusions_of_one_cell_are_a_mistake_naming_both_places() -> None:
    from builder.errors import InputError

    wish = {"os": "debian12", "python": "3.10", "cuda": "cpu", "torch": "2.8"}
    with pytest.raises(InputError) as caught:
        cells(
            "debian12",
            "3.11",
            "cpu",
            "2.8",
            include=[dict(wish), {**wish, "os": "debian:12", "torch": "2.8.0"}],
        )
    (problem,) = caught.value.problems
    assert (str(problem.place), problem.hint) == ("m.yaml:6:1", "remove it here, or at m.yaml:5:1")


def test_a_tag_that_leaves_out_an_axis_collides() -> None:
    ids = ["debian12-py3.11-cpu-torch2.8.0", "debian12-py3.12-cpu-torch2.8.0"]
    told = problems("debian12", "3.11 3.12", "cpu", "2.8", tags=["{os}-{cuda}-torch{torch}"])
    assert told == [(6, f"{ids[0]} and {ids[1]} would both be tagged 'debian12-cpu-torch2.8.0'")]


def test_only_selected_cells_collide() -> None:
    assert problems("debian12", "3.11 3.12", "cpu", "2.8", tags=["{os}"], exclude=[{"python": "3.12"}]) == []
    assert problems("debian12", "3.11 3.13", "cpu", "1.13", tags=["{os}"]) == []


def test_templates_collide_with_themselves_and_with_each_other() -> None:
    assert problems("debian12", "3.11", "cpu", "2.8", tags=["{os}", "{os}"]) == [
        (6, "two templates make the same tag 'debian12'")
    ]
    told = problems("debian12", "3.11 3.12", "cpu", "2.8", tags=["a{python}", "a3.12"])
    assert [(line, "would both be tagged 'a3.12'" in message) for line, message in told] == [(7, True)]


def test_cuda_of_a_tag_is_the_builds_name() -> None:
    made = cells("debian12", "3.11", "cpu 12.6", "2.8", tags=["{cuda}", "torch{torch}-{variant}"])
    assert [c.tags for c in made] == [
        ("example.com/t:cpu", "example.com/t:torch2.8.0-cpu"),
        ("example.com/t:cu126", "example.com/t:torch2.8.0-cu126"),
    ]


@pytest.mark.parametrize(
    "template", ["-{os}", "{os} {python}", "{os}" + "x" * 128, "{os}/{python}", "{os}:{python}", "ä{os}"]
)
def test_a_tag_that_no_registry_takes_is_a_mistake(template: str) -> None:
    told = problems("debian12", "3.11 3.12", "cpu", "2.8", tags=["{os}{python}", template])
    assert (7, True) in [(line, "not a tag that a registry takes" in message) for line, message in told]


def test_too_many_cells_are_counted_and_not_made() -> None:
    many = " ".join(f"9.{n}" for n in range(90))
    pythons = " ".join(f"3.11.{n}" for n in range(90))
    cudas = " ".join(f"{major}.{minor}" for major in range(10, 20) for minor in range(9))
    told = problems("debian12 debian13", pythons, cudas, many)
    assert told == [(1, f"this matrix has 1,458,000 cells, and {MAX_CELLS:,} are the most")]
