"""Two runs held against each other, from folders of records and from JSON reports."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from ci_results import HOSTILE, check, image, verification
from report_accounts import ALL

from builder import records
from builder.errors import InputError
from builder.report import account
from builder.report.compared import Known, Side, as_json, as_markdown, as_text, compared, read

ROOT = Path(__file__).resolve().parents[2]
OLD = Known(
    verdict="passed",
    image=image(size=100_000_000, packages=(("numpy", "2.1.0"), ("torch", "2.8.0"), ("six", "1"))),
    proof=dataclasses.replace(
        verification("passed", check("save.load", "pass")), environment={"python": "3.11.2"}
    ),
)
NEW = Known(
    verdict="failed",
    image=image(
        id="sha256:2",
        size=110_000_000,
        packages=(("numpy", "2.2.0"), ("torch", "2.8.0"), ("tqdm", "4")),
        seconds=30.5,
    ),
    proof=dataclasses.replace(
        verification("failed", check("save.load", "fail", reason="it differs")),
        environment={"python": "3.11.9"},
        seconds=3.2,
    ),
)
TOLD = compared(
    Side(name="monday", cells={"a": OLD, "b": OLD, "gone": OLD}),
    Side(name="tuesday", cells={"a": NEW, "b": OLD, "new": NEW}),
)


def test_everything_that_changed_is_told_and_nothing_else() -> None:
    (altered,) = TOLD.altered
    assert [(one.what, one.before, one.after) for one in altered.changes] == [
        ("verdict", "passed", "failed"),
        ("image", "sha256:1", "sha256:2"),
        ("size", "100 MB", "110 MB (+10.0%)"),
        ("build", "62 s", "30 s (-50.4%)"),
        ("numpy", "2.1.0", "2.2.0"),
        ("six", "1", "-"),
        ("tqdm", "-", "4"),
        ("python inside", "3.11.2", "3.11.9"),
        ("check save.load", "pass", "fail: it differs"),
    ]
    assert (TOLD.same, dict(TOLD.new), dict(TOLD.gone)) == (("b",), {"new": "failed"}, {"gone": "passed"})


def test_as_text() -> None:
    lines = as_text(TOLD).splitlines()
    assert lines[:2] == ["before: monday", "after:  tuesday"]
    assert "  numpy            2.1.0 → 2.2.0" in lines
    told = ["new:  new: failed", "gone: gone: passed", "4 cells: 1 changed, 1 new, 1 gone, 1 as before"]
    assert lines[-3:] == told


def test_as_markdown_and_as_json() -> None:
    assert "| `a` | size | 100 MB | 110 MB (+10.0%) |" in as_markdown(TOLD).splitlines()
    schema = json.loads((ROOT / "docs" / "compared.schema.json").read_text())
    jsonschema.validate(json.loads(records.dumps(as_json(TOLD))), schema)


def test_what_a_container_printed_stays_on_its_line() -> None:
    bad = dataclasses.replace(NEW, proof=verification("failed", check("save.load", "fail", reason=HOSTILE)))
    told = compared(Side(name="x", cells={"a": OLD}), Side(name="y", cells={"a": bad}))
    assert not [line for line in as_text(told).splitlines() if line.startswith(("::", "second"))]
    assert "\x1b" not in as_text(told)
    lines = as_markdown(told).splitlines()
    assert [line for line in lines if line and not line.startswith(("|", "#"))] == []
    assert "\x1b" not in as_markdown(told)


def test_a_folder_of_records_and_a_report_tell_the_same(tmp_path: Path) -> None:
    folder, file = tmp_path / "records", tmp_path / "report.json"
    file.write_text(records.dumps(account.as_json(ALL)))
    for entry in ALL.entries:
        if entry.image and entry.proof:
            records.write(folder / entry.cell.id, "image", entry.image, None)
            records.write(folder / entry.cell.id, "verification", entry.proof, None)
    one, two = read(folder), read(file)
    built = {cell: known for cell, known in two.cells.items() if known.image}
    assert compared(one, Side(name="file", cells=built)).altered == ()
    assert len(built) == len(one.cells) == 3


def test_a_report_is_of_its_schema() -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    jsonschema.validate(json.loads(records.dumps(account.as_json(ALL))), schema)


NO_REPORTS = ("", "nonsense", "[]", "{}", "[" * 100_000, f'{{"schema": "{account.SCHEMA}"}}',
              f'{{"schema": "{account.SCHEMA}", "cells": {{"a": 1}}}}',
              '{"schema": "envbuild.report/2", "cells": [{}]}')  # fmt: skip


@pytest.mark.parametrize("text", NO_REPORTS, ids=lambda text: text[:20])
def test_what_tells_of_no_cell_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(InputError, match="tells of no cell"):
        read(tmp_path / "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="tells of no cell"):
        read(tmp_path / "empty")


def test_a_build_that_failed_is_told_as_in_the_report_itself(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "recipe.json").write_text("{}")
    assert read(tmp_path).cells["a"].verdict == "not built"
    (tmp_path / "a" / "build.log").write_text("E: no such package\n")
    assert read(tmp_path).cells["a"].verdict == "build failed"
    (tmp_path / "a" / "build.log").write_text("== build\n-- a step\n== cancelled\n")
    assert read(tmp_path).cells["a"].verdict == "cancelled"
    (tmp_path / "a" / "image.json").write_text("nonsense")
    assert read(tmp_path).cells["a"].verdict == "damaged"


def test_scripts_get_numbers() -> None:
    numbers = {one.what: one.numbers for one in TOLD.altered[0].changes if one.numbers}
    assert numbers == {"size": (100_000_000, 110_000_000), "build": (61.5, 30.5)}
