"""Ends of support are held against today, not against the day on which the tables were made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder import facts
from builder.advice import advise
from builder.cell import expand, grounds
from builder.cli import tables
from builder.machine import Machine
from builder.matrix import parse

FACTS = facts.load()
LATER = replace(FACTS, today="2027-06-01")  # Ubuntu 22.04 ended on 2027-04-01
TEXT = """version: 1
image: example.com/t
matrix: {os: [ubuntu22.04], python: ["3.11"], cuda: [cpu], torch: ["2.8"]}
"""


def cell(known: facts.Facts, tmp_path):
    (found,) = expand(parse(TEXT, tmp_path / "m.yaml"), known)
    return found


def test_a_plan_warns_of_what_has_ended_since(tmp_path) -> None:
    assert "eol" not in {reason.rule for reason in cell(FACTS, tmp_path).reasons}
    (told,) = [reason for reason in cell(LATER, tmp_path).reasons if reason.rule == "eol"]
    assert told.message.startswith("ubuntu22.04 reached the end of regular support on 2027-04-01; extended")
    assert not any("regular support" in ground.message for ground in grounds(cell(LATER, tmp_path), LATER))


def test_a_python_that_has_ended_since_is_told(tmp_path) -> None:
    much_later = replace(FACTS, today="2027-11-01")
    assert any("Python 3.11 reached end of life" in r.message for r in cell(much_later, tmp_path).reasons)


def test_no_system_that_has_ended_is_advised() -> None:
    here = Machine(arch="x86_64", os="ubuntu22.04")
    assert advise(here, FACTS).os == "ubuntu22.04"
    advice = advise(here, LATER)
    assert advice.os == "ubuntu24.04"
    assert "ubuntu22.04 ended on 2027-04-01" in dict(advice.why)["os"]


def test_tables_that_are_older_than_every_system_still_advise_one() -> None:
    assert advise(Machine(arch="x86_64"), replace(FACTS, today="2040-01-01")) is not None


@pytest.mark.parametrize(("today", "day"), [("2027-06-01", "2027-06-01"), ("1970-01-01", FACTS.date)])
def test_commands_ask_today_and_a_clock_that_is_behind_counts_for_nothing(monkeypatch, today, day) -> None:
    monkeypatch.setenv(tables.SETTING, tables.NONE)
    monkeypatch.setattr(tables, "today", lambda: today)
    assert tables.load().day == day
