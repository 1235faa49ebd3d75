"""Annotations and summaries: at their lines, within the limits, and never a command from outside."""

from __future__ import annotations

import dataclasses
import re

import pytest
from ci_results import ALL, BROKEN, FAILED, HOSTILE, PASSED, WAITING, check, verification

from builder.errors import Place, Problem
from builder.report import github, markdown, summary

COMMAND = re.compile(r"::error title=([^,:]+)(?:,file=([^,:]+),line=(\d+),col=(\d+))?::(.*)")
# As the runner reads a line: spaces around it do not count, and the older form may stand anywhere.
HEARD = re.compile(r"^\s*::|##\[")


def commands(text: str) -> list[str]:
    return [line for line in re.split(r"[\r\n\v\f\x85\u2028\u2029]", text) if HEARD.search(line)]


def test_a_mistake_is_told_at_its_line_and_column(tmp_path) -> None:
    place = Place(file=str(tmp_path / "matrices" / "m.yaml"), line=3, column=65)
    (told,) = github.of_problems(
        [Problem(message="no wheel", hint="take another", place=place)], env(tmp_path)
    )
    found = COMMAND.fullmatch(told)
    assert found
    assert found.groups() == ("envbuild", "matrices/m.yaml", "3", "65", "no wheel%0Ahint: take another")


def test_a_file_outside_of_the_repository_keeps_its_name(tmp_path) -> None:
    problem = Problem(message="m", place=Place(file="/etc/m.yaml", line=1, column=1))
    assert "file=/etc/m.yaml," in next(github.of_problems([problem], env(tmp_path)))


def env(folder) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(folder)}


def test_no_text_ends_a_command_or_begins_another(tmp_path) -> None:
    place = Place(file="a,line=9::b\n::error::c", line=1, column=1)
    problem = Problem(message=HOSTILE, hint=HOSTILE, place=place, cell="x,file=y::z")
    told = list(github.of_problems([problem], env(tmp_path))) + list(github.of_run(ALL, env(tmp_path)))
    assert len(told) == 1 + sum(1 for result in ALL if result.exit_code)
    for line in told:
        assert "\n" not in line
        assert "\r" not in line
        assert line.startswith("::error title=")
    head = told[0].removeprefix("::error ").partition("::")[0]
    assert [part.partition("=")[0] for part in head.split(",")] == ["title", "file", "line", "col"]


def test_cells_that_failed_are_errors_and_allowed_ones_warnings(tmp_path) -> None:
    allowed = dataclasses.replace(WAITING, exit_code=0)
    told = list(github.of_run([PASSED, FAILED, allowed], env(tmp_path)))
    assert [line.partition("::")[2].partition("::")[0] for line in told] == [
        "error title=bad%3A failed",
        "warning title=gpu%3A not verified%2C and allowed",
    ]


def test_no_more_than_the_runner_keeps(tmp_path) -> None:
    many = [dataclasses.replace(BROKEN, cell=f"c{number}") for number in range(30)]
    assert len(list(github.of_run(many, env(tmp_path)))) == github.MOST


@pytest.mark.parametrize(
    "text",
    [
        *(HOSTILE, "::error::x", "  \t::warning::x", "a\n\n   ::stop-commands::t", "x ##[error]y", "::"),
        *("\r::debug::x", "a\r::debug::x", "a\x0b::debug::x", "a\u2028 ::debug::x"),
    ],
)
def test_what_is_printed_there_is_no_command(text) -> None:
    assert commands(text)
    assert commands(github.harmless(text)) == []


def test_other_text_stays_as_it_is() -> None:
    text = "error: a::b, std::vector: c\n  hint: #[x] ## [y]\n"
    assert github.harmless(text) == text


def test_json_stays_the_same_data() -> None:
    import json

    text = json.dumps({"reason": HOSTILE})
    assert commands(github.harmless(text)) == []
    assert json.loads(github.harmless(text)) == json.loads(text)


def test_the_summary_has_the_failures_first() -> None:
    rows = [line for line in markdown.of_run([PASSED, FAILED]).splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["bad", "good"]
    assert "❌ failed" in rows[0]
    assert "✅ passed" in rows[1]


def test_hostile_text_ends_no_fence_and_no_table() -> None:
    text = markdown.of_run(ALL)
    fences = re.findall(r"^(`{3,})text$", text, re.MULTILINE)
    assert any(len(fence) > 3 for fence in fences)
    for fence in fences:
        assert text.count(f"\n{fence}\n") >= 1
    odd = dataclasses.replace(PASSED, cell="a|b\nc")
    (row,) = [line for line in markdown.of_run([odd]).splitlines() if line.startswith("| `")]
    assert row.replace("\\|", "").count("|") == 8
    assert "<summary><b>" not in markdown.of_run([dataclasses.replace(FAILED, cell="<b>")])


def test_the_summary_is_cut_where_github_would_drop_it() -> None:
    long = Problem(message="x" * 100_000)
    many = [
        dataclasses.replace(BROKEN, cell=f"c{number}", problems=(long,) * number) for number in range(1, 30)
    ]
    text = markdown.of_run(many)
    assert 800 * 1024 < len(text.encode()) < 1000 * 1024
    assert text.endswith(markdown.CUT)


def test_an_annotation_does_not_say_its_title_twice(tmp_path) -> None:
    (told,) = github.of_run([FAILED], env(tmp_path))
    assert "bad: failed" not in told.split("::", 2)[2]


def test_what_a_container_says_never_begins_a_line(tmp_path) -> None:
    words = "ImportError: no\n1 cell: 1 passed\nimage: team/torch:good"
    checks = (check("torch.import", "fail", reason=words), check("x", "warn", reason=words))
    forged = dataclasses.replace(BROKEN, verification=verification("failed", *checks, reason=words))
    for text in (summary.as_text([forged]), markdown.of_run([forged])):
        assert not re.search(r"^(1 cell: 1 passed|image: team)", text, re.MULTILINE)
        assert "1 cell: 1 passed" in text
