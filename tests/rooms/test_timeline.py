"""What waited for what, as shared work really goes on: told by threads, not by a clock."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import jsonschema
import pytest

from builder import records
from builder.ports import Shared
from builder.timeline import Run, Span

ROOT = Path(__file__).resolve().parents[2]


def span(number: int, label: str, *waiters: int, cell: str = "", **more) -> Span:
    fields = {"begun": 0.0, "ended": 10.0, "busy": ((2.0, 10.0),), **more}
    return Span(number=number, label=label, cell=cell, waiters=waiters, **fields)


def run(*spans: Span) -> Run:
    return Run(begun="2026-11-27T05:00:00+00:00", seconds=20.0, engine="docker 28", jobs=2, spans=spans)


def working(shared: Shared, cell: str, *asks: str) -> None:
    """A cell that waits for some work."""
    timeline = shared.timeline
    with timeline.within(timeline.opened("build", cell)):
        for name in asks:
            shared.begin(name, lambda: None, f"label of {name}").result()


def found(shared: Shared) -> tuple[Run, dict[str, Span]]:
    told = shared.timeline.run("docker 28", 2)
    return told, {one.cell or one.label: one for one in told.spans}


def test_work_is_told_once_with_all_who_waited_for_it() -> None:
    shared = Shared(1)
    for cell in ("a", "b"):
        working(shared, cell, "torch")
    told, by_name = found(shared)
    assert [one.label for one in told.spans] == ["build", "label of torch", "build"]
    assert told.cells(by_name["label of torch"]) == ("a", "b")
    assert told.cells(by_name["a"]) == ("a",)


def test_who_waits_by_way_of_others_is_told_too() -> None:
    shared = Shared(1)

    def environment() -> None:
        shared.begin("wheels", lambda: None, "wheels").result()

    timeline = shared.timeline
    with timeline.within(timeline.opened("build", "a")):
        shared.begin("environment", environment, "environment").result()
    told, by_name = found(shared)
    assert by_name["wheels"].waiters == (by_name["environment"].number,)
    assert told.cells(by_name["wheels"]) == ("a",)


def test_it_gets_on_when_it_has_its_turn() -> None:
    shared, first, asked = Shared(1), threading.Event(), threading.Event()

    def long() -> None:
        with shared.slot():
            first.set()
            asked.wait(20)

    def short() -> None:
        with shared.slot():
            pass

    with shared.timeline.within(shared.timeline.opened("build", "a")):
        one = shared.begin("long", long, "long")
        first.wait(20)
        two = shared.begin("short", short, "short")
        asked.set()
        one.result()
        two.result()
    _, by_name = found(shared)
    assert by_name["long"].busy[0][1] <= by_name["short"].busy[0][1]
    assert by_name["a"].busy == ()


def test_work_without_a_label_is_not_told() -> None:
    shared = Shared(1)
    shared.begin("small", lambda: None).result()
    assert shared.timeline.run("docker", 1).spans == ()


def test_work_that_fails_ends_as_well() -> None:
    shared = Shared(1)

    def fail() -> None:
        raise OSError("gone")

    future = shared.begin("bad", fail, "bad")
    assert isinstance(future.exception(20), OSError)
    _, by_name = found(shared)
    assert by_name["bad"].ended >= by_name["bad"].begun


def test_waiting_in_a_circle_does_not_last_for_ever() -> None:
    told = run(span(0, "x", 1), span(1, "y", 0), span(2, "z", 9, -1))
    assert [told.cells(one) for one in told.spans] == [(), (), ()]


BUILT = run(span(0, "build", cell="a"), span(1, "torch", 0))
VERIFIED = run(span(0, "verify", cell="a"))


def test_a_run_is_read_as_it_was_written_and_is_of_its_schema(tmp_path: Path) -> None:
    records.write_run(tmp_path, BUILT)
    assert records.read_runs(tmp_path) == (BUILT,)
    schema = json.loads((ROOT / "docs" / "records.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "run.json").read_text()), schema)


def test_a_verification_later_stands_beside_the_run_that_built(tmp_path: Path) -> None:
    records.write_run(tmp_path, BUILT)
    records.write_run(tmp_path, VERIFIED)
    records.write_run(tmp_path, run())  # all was kept: nothing to be told
    assert records.read_runs(tmp_path) == (BUILT, VERIFIED)
    fetched = run(span(0, "fetch", cell="a"))
    records.write_run(tmp_path, fetched)  # and failed there
    assert records.read_runs(tmp_path) == (fetched,)
    records.write_run(tmp_path, BUILT)
    records.write_run(tmp_path, VERIFIED)
    assert records.read_runs(tmp_path) == (BUILT, VERIFIED)
    records.write_run(tmp_path, BUILT)
    assert records.read_runs(tmp_path) == (BUILT,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": None},
        {"begun": 7},
        {"spans": [1]},
        {"spans": [{"number": 0}]},
        {"spans": [{**records.plain(BUILT.spans[0]), "begun": "x"}]},
        {"spans": [{**records.plain(BUILT.spans[0]), "busy": [[1]]}]},
    ],
    ids=str,
)
def test_what_is_no_run_is_none(tmp_path: Path, wrong: dict[str, object]) -> None:
    records.write(tmp_path, "run", {**records.plain(BUILT), **wrong}, None)
    assert records.read_runs(tmp_path) == ()


def test_a_run_begins_where_it_is_told_to() -> None:
    shared = Shared(1)
    working(shared, "lock", "packages")
    shared.timeline.restart()
    working(shared, "a")
    told = shared.timeline.run("docker", 1)
    assert [(one.number, one.cell) for one in told.spans] == [(0, "a")]
