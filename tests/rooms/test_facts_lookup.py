"""Rows by the names that people type, and tables that grow old."""

import dataclasses
import json

import jsonschema
import pytest

from builder import records
from builder.cli.plan import stale, today
from builder.facts import find, load
from builder.facts.lookup import near
from builder.report import fact_sheet
from tests.rooms.test_records import schema

FACTS = load()


@pytest.mark.parametrize(
    ("typed", "table", "name"),
    [
        ("2.8", "torch", "2.8.0"),
        ("2.7.1", "torch", "2.7.1"),
        ("torch==2.8.0", "torch", "2.8.0"),
        ("Torch 1.13", "torch", "1.13.1"),
        ("3.11", "python", "3.11"),
        ("python 3.9", "python", "3.9"),
        ("cu126", "cuda", "12.6"),
        ("12.6", "cuda", "12.6"),
        ("CUDA 11.8", "cuda", "11.8"),
        ("Ubuntu 22.04", "os", "ubuntu22.04"),
        ("debian:bookworm", "os", "debian12"),
        ("NVIDIA GeForce RTX 3090", "gpu", "RTX 3090"),
        ("numpy2", "traps", "numpy2"),
    ],
)
def test_a_row_is_found_by_what_people_call_it(typed, table, name):
    found = find(FACTS, typed)
    assert found is not None
    assert (found.table, found.name) == (table, name)


@pytest.mark.parametrize(
    "typed", ["", " ", "2.99", "torch 3.11", "python 2.8", "cuda", "torch", "2", "everything"]
)
def test_what_is_not_known_is_not_guessed(typed):
    assert find(FACTS, typed) is None


def test_what_is_shown_for_scripts_is_of_its_schema():
    entries = [
        found
        for name in ("2.8", "12.8", "3.12", "debian12", "H100", "numpy2")
        if (found := find(FACTS, name))
    ]
    told = json.loads(records.dumps(fact_sheet.as_json(entries, FACTS)))
    jsonschema.validate(told, schema("facts.schema.json"))
    assert [entry["table"] for entry in told["entries"]] == ["torch", "cuda", "python", "os", "gpu", "traps"]
    assert told["entries"][0]["row"]["kernels"]["cu126 x86_64"][-1] == "9.0"
    assert all(entry["sources"] for entry in told["entries"])


def test_a_slip_is_told_with_what_was_meant():
    assert near(FACTS, "ubunt22") == "ubuntu22.04"


def test_every_row_is_found_by_its_own_name():
    for table, names in (
        ("torch", FACTS.torch),
        ("cuda", FACTS.cuda),
        ("python", FACTS.python),
        ("os", FACTS.os),
    ):
        for name in names:
            found = find(FACTS, f"{table} {name}" if table != "os" else name)
            assert found is not None
            assert (found.table, found.name) == (table, name)


def test_tables_say_when_they_are_old():
    assert stale(FACTS, FACTS.date) == []
    last = max(table.stale_after for table in FACTS.tables)
    assert stale(FACTS, min(table.stale_after for table in FACTS.tables)) == []
    (line,) = stale(FACTS, "2099-01-01")
    assert all(table.name in line and table.compiled in line for table in FACTS.tables)
    assert last < "2099"
    young = tuple(dataclasses.replace(table, stale_after="2100-01-01") for table in FACTS.tables[1:])
    (line,) = stale(dataclasses.replace(FACTS, tables=(FACTS.tables[0], *young)), "2099-01-01")
    assert "torch" in line
    assert "cuda" not in line
    assert today() >= FACTS.date
