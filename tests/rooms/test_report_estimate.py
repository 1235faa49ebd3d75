"""How long a run may still take: never more precise, nor from less, than it says."""

from __future__ import annotations

import pytest

from builder.report.estimate import Estimate, Way, coarse

BUILD = frozenset({"build"})
TOOK = {"a": {"build": 60.0, "verify": 20.0}, "b": {"build": 30.0, "verify": 20.0}}


def test_nothing_is_known_before_a_cell_is_over():
    assert Estimate(cells=2).words({}) == "no estimate before a cell is over"
    assert Estimate(cells=2).words({"a": Way(spent=9)}) == "no estimate before a cell is over"
    failed = {"a": Way(spent=9, ended="failed"), "b": Way(spent=1, ended="kept")}
    assert Estimate(cells=3).words(failed) == "no estimate before a cell is over"


def test_the_slowest_cell_is_the_last():
    ways = {"a": Way(spent=10, since=10), "b": Way(spent=10, since=10)}
    assert Estimate(cells=2, at_once=8, took=TOOK).words(ways) == "about 70 s left if it goes as last time"


def test_cells_go_in_turns():
    took = {str(number): {"build": 60.0} for number in range(40)}
    ways = {str(number): Way(spent=0) for number in range(8)}
    assert Estimate(cells=40, at_once=8, took=took).words(ways) == "about 5 min left if it goes as last time"


def test_what_is_kept_takes_no_time():
    ways = {"a": Way(spent=0, kept=BUILD, over=BUILD), "b": Way(spent=0, ended="kept")}
    assert Estimate(cells=2, took=TOOK).words(ways) == "about 20 s left if it goes as last time"


def test_a_stage_that_is_over_leaves_what_the_next_one_takes():
    quick = {"a": Way(spent=4, since=1, over=BUILD), "b": Way(spent=60, since=1, over=BUILD)}
    assert Estimate(cells=2, at_once=2, took=TOOK).words(quick) == "about 20 s left if it goes as last time"


def test_this_runs_own_pace_counts_for_more():
    ways = {"a": Way(spent=30, since=30), "b": Way(spent=100, ended="passed")}  # twice what it took
    assert Estimate(cells=2, took=TOOK).words(ways) == "about 2 min left at this pace"  # 160 s less 30


def test_a_cell_of_which_nothing_is_known_takes_as_long_as_others():
    ways = {"a": Way(spent=30), "b": Way(spent=50, ended="passed")}
    assert Estimate(cells=4, at_once=2).words(ways) == "about 60 s left at this pace"  # (20 + 50 + 50) / 2


@pytest.mark.parametrize(("took", "words"), [(TOOK, "longer than last time"), ({}, "longer than the others")])
def test_what_takes_longer_than_it_should_is_told(took, words):
    ways = {"a": Way(spent=90, since=90), "b": Way(spent=60, since=60, ended="" if took else "passed")}
    assert Estimate(cells=2, took=took).words(ways) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (37, "40 s"), (94, "90 s"), (96, "2 min"), (3550, "59 min"), (3600, "1 h"),
     (5000, "1 h 20 min"), (86400, "24 h")],
)  # fmt: skip
def test_an_estimate_is_coarse(seconds, words):
    assert coarse(seconds) == words
