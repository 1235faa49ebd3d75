"""What the eye sees, in parts: words, numbers, problems, plans, log lines. The whole is in tests/screens."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from builder.cli import selection
from builder.errors import Place, Problem
from builder.events import Finished, Progressed, Started
from builder.pipeline import Result
from builder.report import figures, plan_table, problems, summary
from builder.report.follow import Lines
from builder.report.look import Look, count, cut, look, paint, shown, wrap
from builder.report.plan_table import Plan
from builder.verification import Verification

ROOT = Path(__file__).resolve().parents[2]
RUN = "RUN --mount=type=bind,source=a [x]    set -eu;   echo 'a: b'; " + "go on; " * 60


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"executor failed running [/bin/sh -c {RUN}]: exit code: 100", "100"),
        (f'process "/bin/sh -c {RUN}" did not complete successfully: exit code: 1', "1"),
    ],
    ids=["Docker 20.10", "since BuildKit 0.10"],
)
def test_a_failed_step_is_told_briefly(message, reason):
    told = problems.brief(f"the build failed at [os 2/3] {RUN}: {message}")
    assert told.startswith("the build failed at [os 2/3] RUN [x] set -eu; echo 'a: b'; go on;")
    assert told.endswith(f"...: exit code: {reason}")
    assert len(told) < 140


def test_a_failed_step_without_a_known_reason_is_cut():
    assert len(problems.brief(f"the build failed at STEP 3/9: {RUN}")) < 230


@pytest.mark.parametrize("message", ["the build failed: no space", "torch 9.9 is unknown: see [x]: y"])
def test_other_messages_stay_as_they_are(message):
    assert problems.brief(message) == message


def test_a_problem_has_place_message_cell_and_hint():
    place = Place(file="m.yaml", line=3, column=5)
    problem = Problem(message="first\nsecond", hint="do it", place=place, cell="debian12")
    assert problems.text((problem,)).splitlines() == [
        "m.yaml:3:5: error: first",
        "    second",
        "    cell: debian12",
        "    hint: do it",
    ]


def test_problems_are_in_the_order_of_their_places():
    places = [None, *(Place(file="m.yaml", line=line, column=1) for line in (10, 9))]
    told = problems.text(Problem(message=f"at {place}", place=place) for place in places)
    assert re.findall(r"at (\S+)", told) == ["m.yaml:9:1", "m.yaml:10:1", "None"]


def test_what_many_cells_have_is_told_once():
    told = problems.text(Problem(message="no wheel", hint=f"h{n}", cell=f"c{n}") for n in range(6))
    assert told.splitlines() == ["error: no wheel", "    cells: c0, c1, c2, c3 and 2 more", "    hint: h0"]


def test_the_same_message_without_a_cell_is_told_as_often_as_it_is_there():
    assert problems.text([Problem(message="x")] * 2).splitlines() == ["error: x"] * 2


@pytest.mark.parametrize(("number", "words"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells")])
def test_plurals(number, words):
    assert count(number, "cell") == words


@pytest.mark.parametrize(
    ("seconds", "words", "clock"),
    [
        (0.04, "0.0 s", "0:00"),
        (9.94, "9.9 s", "0:09"),
        (9.96, "10 s", "0:09"),
        (119.4, "119 s", "1:59"),
        (125, "2 min 5 s", "2:05"),
        (7384, "2 h 3 min", "2:03:04"),
    ],
)
def test_times(seconds, words, clock):
    assert (figures.duration(seconds), figures.clock(seconds)) == (words, clock)


def test_wrapping_keeps_words_whole_and_indents():
    lines = wrap("nearest: ubuntu22.04-py3.11-cu126-torch2.8.0, two words", Look(width=40), indent=2, hang=2)
    assert lines == ["  nearest:", "    ubuntu22.04-py3.11-cu126-torch2.8.0,", "    two words"]
    assert wrap("as long as it is " * 20, Look()) == ["as long as it is " * 20]


def test_what_others_wrote_does_not_steer_the_terminal():
    hostile = "\x1b]0;title\x07\x1b[2J\r\x9b31m"
    assert shown(hostile) == "\\x1b]0;title\\x07\\x1b[2J\\x0d\\x9b31m"
    assert "\x1b" not in problems.text(
        (Problem(message=f"a {hostile}\nb {hostile}", hint=hostile, cell=hostile),)
    )


def test_colours_only_where_they_are_understood():
    assert paint("x", "red", Look()) == "x"
    assert paint("x", "red", Look(colour=True)) == "\x1b[31mx\x1b[0m"
    assert look(io.StringIO()) == Look(width=None, colour=False)


def test_cutting_tells_that_there_is_more():
    assert (cut("abcdef", 6), cut("abcdefg", 6)) == ("abcdef", "abc...")


def test_names_that_differ_by_the_cell_alone():
    assert figures.together([("t:a", "a"), ("t:b", "b")]) == ["t:CELL"]
    assert figures.together([("t:a", "a")]) == ["t:a"]
    assert figures.together([("t:1", "a"), ("t:2", "b")]) == ["t:1", "t:2"]


@pytest.mark.parametrize("path", sorted((ROOT / "matrices").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_plan_names_every_cell_once_and_fits(path):
    chosen = selection.read(path)
    plan = Plan(matrix=chosen.matrix, cells=chosen.cells, date=chosen.facts.date)
    told = plan_table.as_text(plan, Look(width=80)).splitlines()
    named = [line.strip() for line in told if line.strip() in {cell.id for cell in chosen.cells}]
    assert sorted(named) == sorted(cell.id for cell in chosen.cells)
    assert max(map(len, told)) <= 80
    assert told[-1].startswith(f"{path.stem}: {count(len(chosen.cells), 'cell')}: ")


def lines(*events, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    viewer = Lines(stream, verbose=verbose)
    for event in events:
        viewer.see(event)
    return [line.partition("] ")[2] for line in stream.getvalue().splitlines()]


def progress(step: str, line: str | None = None, cell: str = "c", **more: object) -> Progressed:
    return Progressed(cell=cell, stage="build", step=step, line=line, **more)


def test_a_log_has_a_line_for_each_step_also_when_steps_take_turns():
    told = lines(
        progress("a"), progress("b"), progress("a", "output"), progress("a"), progress("a", cell="d")
    )
    assert told == ["c: build: a", "c: build: b", "d: build: a"]


def test_a_verbose_log_has_the_builds_own_output():
    assert lines(progress("a", "output"), verbose=True) == ["c: build: a", "c:   output"]


def test_what_a_user_should_know_is_told_once():
    assert lines(progress("note", "from PyPI"), progress("note", "from PyPI", cell="d")) == [
        "c: note: from PyPI"
    ]


def test_a_stage_ends_with_its_outcome_time_and_reason():
    ended = Finished(cell="c", stage="build", outcome="failed", seconds=3.21, detail=("no wheel", "more"))
    assert lines(ended) == ["c: build failed in 3.2 s: no wheel"]
    assert lines(Started(cell="c", stage="verify")) == ["c: verify: in a container of its own"]


def test_a_log_that_nobody_reads_stops_nothing():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Lines(Closed(), verbose=False).see(progress("a"))


def test_a_level_that_trains_nothing_is_not_simply_passed():
    proof = Verification(
        cell="a", image="i", status="passed", reason=None, level="static", verifier="v", seconds=1.0,
        environment={}, fingerprint={}, checks=(),
    )  # fmt: skip
    told = summary.as_text((Result(cell="a", outcome="passed", verification=proof),))
    assert told.count("passed (static)") == 2
    assert told.count("passed") == 2


def test_a_table_has_the_columns_that_its_terminal_is_wide_enough_for():
    proof = Verification(
        cell="a", image="i", status="passed", reason=None, level="basic", verifier="v", seconds=100.0,
        environment={}, fingerprint={}, checks=(),
    )  # fmt: skip
    results = (Result(cell="a", outcome="passed", verification=proof),)
    heads = [summary.as_text(results, look=Look(width=width)).split("\n")[0] for width in (21, 20, 5)]
    assert heads == ["CELL  VERDICT  VERIFY", "CELL  VERDICT", "CELL  VERDICT"]
    assert summary.as_text(results).startswith("CELL  VERDICT  VERIFY\n")
