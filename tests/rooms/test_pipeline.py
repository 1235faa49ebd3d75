"""The pipeline over the dry engine: every cell is accounted for, and one cell's failure is its own."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from builder import pipeline, records, verification
from builder.cellwork import Work
from builder.engine.api import Assembled
from builder.errors import CellError, InterruptedByUserError, OutsideError, Problem
from builder.events import Event, Finished, Progressed, Started
from builder.image import carrier
from builder.pipeline import Options, Result
from builder.ports import Ports, Shared
from tests.screens.stand_ins import Engine, Store, Waiting, checks, drive, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
matrix:
  os: [debian12]
  python: ["3.11", "3.12"]
  cuda: [cpu]
  torch: ["2.7.1", "2.8.0"]
"""
FIRST = "debian12-py3.11-cpu-torch2.7.1"


@pytest.fixture(autouse=True)
def _listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking the verifier for its checks starts an interpreter each time."""
    monkeypatch.setattr(verification, "listed", checks)


@pytest.fixture
def works(tmp_path: Path) -> tuple[Work, ...]:
    return works_of(tmp_path, MATRIX)


def run(works, outside: Ports, options: Options | None = None) -> tuple[list[Event], tuple[Result, ...]]:
    return drive(pipeline.run(works, outside, options or Options()))


def outcomes(results: tuple[Result, ...]) -> list[str]:
    return [result.outcome for result in results]


def fails_for(wanted: str, error: Exception):
    """An engine that refuses the images of cells whose names have `wanted` in them."""

    def on_load(image: Assembled) -> None:
        if wanted in json.loads(image.config)["config"]["Labels"].get("org.envbuild.cell", ""):
            raise error

    return Engine(on_run=reports(), on_load=on_load)


def failure(message: str = "no") -> CellError:
    return CellError((Problem(message=message),))


def test_all_cells_pass_and_leave_their_records(works, tmp_path):
    outside = ports(tmp_path)
    _, results = run(works, outside)
    assert [result.cell for result in results] == [work.recipe.cell.id for work in works]
    assert outcomes(results) == ["passed"] * 4
    for work, result in zip(works, results, strict=True):
        assert records.read_image(work.folder) == result.image
        assert records.read_verification(work.folder) == result.verification
        assert [outside.engine.find(tag).id for tag in work.recipe.cell.tags] == [result.image.stored]
        assert (result.exit_code, result.problems) == (0, ())


def test_the_order_of_events_of_each_cell(works, tmp_path):
    events, _ = run(works, ports(tmp_path), Options(jobs=3))
    for work in works:
        own = [event for event in events if event.cell == work.recipe.cell.id]
        open_stage, seen = None, []
        for event in own:
            if isinstance(event, Started):
                assert open_stage is None
                open_stage = event.stage
                seen.append(event.stage)
            else:
                assert event.stage == open_stage
                open_stage = None if isinstance(event, Finished) else open_stage
        assert open_stage is None
        assert seen == ["fetch", "build", "verify"]
        ended = {event.stage: event.outcome for event in own if isinstance(event, Finished)}
        assert ended == {"fetch": "done", "build": "done", "verify": "passed"}
        assert any(isinstance(event, Progressed) for event in own)


def test_a_failed_stage_is_finished_once_and_says_why(works, tmp_path):
    events, _ = run(works, ports(tmp_path, fails_for("2.7.1", failure("boom\nlast line"))))
    own = [event for event in events if event.cell == FIRST]
    assert Counter(event.stage for event in own if isinstance(event, Finished)) == {
        event.stage: 1 for event in own if isinstance(event, Started)
    }
    assert (own[-1].stage, own[-1].outcome, own[-1].detail) == ("build", "failed", ("boom", "last line"))
    assert "boom\nlast line\n" in (works[0].folder / "build.log").read_text()


def test_one_cells_failure_is_its_own(works, tmp_path):
    outside = ports(tmp_path, fails_for("2.7.1", failure()))
    _, results = run(works, outside)
    assert outcomes(results) == ["failed", "passed", "failed", "passed"]
    assert [result.exit_code for result in results] == [1, 0, 1, 0]
    assert all(outside.engine.find(tag) is None for tag in works[0].recipe.cell.tags)
    assert records.read_image(works[0].folder) is None


def test_a_failed_rebuild_takes_the_old_records_away(works, tmp_path):
    run(works, ports(tmp_path))
    run(works, ports(tmp_path, fails_for("2.7.1", failure())))
    assert records.read_image(works[0].folder) is None
    assert records.read_verification(works[0].folder) is None
    assert records.read_image(works[1].folder) is not None


@pytest.fixture
def _one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell is begun ahead of its turn."""
    monkeypatch.setattr(pipeline, "AHEAD", 0)


@pytest.mark.usefixtures("_one_by_one")
def test_fail_fast_leaves_the_rest_and_accounts_for_it(works, tmp_path):
    outside = ports(tmp_path, fails_for("2.7.1", failure()))
    _, results = run(works, outside, Options(jobs=1, fail_fast=True))
    assert outcomes(results) == ["failed", "skipped", "skipped", "skipped"]
    assert [result.exit_code for result in results] == [1, 1, 1, 1]
    assert outside.engine.cells() == []


def test_fail_fast_stops_what_was_begun_ahead(works, tmp_path):
    """Three cells wait for the system's layer, the fourth fails before."""
    engine = Waiting()
    outside = ports(tmp_path, engine)

    def on_fetch(pin) -> None:
        if pin.version.startswith("3.12"):
            engine.begun.acquire()
            raise failure()

    outside = replace(outside, source=Store(tmp_path, on_fetch=on_fetch))
    _, results = run(works[:3], outside, Options(jobs=1, fail_fast=True))
    assert outcomes(results) == ["cancelled", "cancelled", "failed"]
    assert [result.exit_code for result in results] == [1, 1, 1]


def test_without_fail_fast_the_rest_goes_on(works, tmp_path):
    outside = ports(tmp_path, fails_for("2.7.1", failure()))
    run(works, outside, Options(jobs=1))
    assert len(outside.engine.cells()) == 2


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (failure(), "failed", 1),
        (OutsideError((Problem(message="gone"),)), "failed", 4),
        (OSError(28, "No space left on device", "/x"), "failed", 4),
        (RuntimeError("a bug"), "error", 3),
    ],
    ids=["cell", "outside", "disk", "bug"],
)
def test_what_went_wrong_decides_the_exit_code(works, tmp_path, error, outcome, code):
    _, results = run(works, ports(tmp_path, fails_for("2.7.1", error)))
    assert (results[0].outcome, results[0].exit_code) == (outcome, code)
    assert outcomes(results)[1::2] == ["passed", "passed"]
    assert results[0].problems[0].message


def test_a_bug_in_one_worker_is_kept_with_its_traceback(works, tmp_path):
    _, results = run(works, ports(tmp_path, fails_for("2.7.1", RuntimeError("a bug"))))
    assert results[0].problems[0].message == "bug in envbuild: RuntimeError: a bug"
    place = works[0].folder / "bug.txt"
    assert str(place) in str(results[0].problems[0].hint)
    assert "Traceback" in place.read_text()


@pytest.mark.usefixtures("_one_by_one")
def test_ctrl_c_stops_what_is_under_way_and_tells_of_every_cell(works, tmp_path):
    outside = ports(tmp_path, Waiting())
    events = pipeline.run(works, outside, Options(jobs=2))
    first = next(events)
    outside.engine.begun.acquire()
    seen = [first, events.throw(KeyboardInterrupt())]
    rest, results = drive(events)
    seen += rest
    assert outcomes(results) == ["cancelled", "cancelled", "skipped", "skipped"]
    assert {result.exit_code for result in results} == {InterruptedByUserError.exit_code}
    assert {event.outcome for event in seen if isinstance(event, Finished) and event.stage == "build"} == {
        "cancelled"
    }
    assert all(outside.engine.find(tag) is None for work in works for tag in work.recipe.cell.tags)


def test_a_run_that_nobody_follows_any_more_stops(works, tmp_path):
    outside = ports(tmp_path, Waiting())
    events = pipeline.run(works, outside, Options(jobs=2))
    next(events)
    outside.engine.begun.acquire()
    events.close()
    assert outside.cancel.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cell")]


@pytest.mark.usefixtures("_one_by_one")
def test_a_failure_after_the_interrupt_is_part_of_it(works, tmp_path):
    """Ctrl-C reaches programs that envbuild runs, too, which then end with an error."""
    outside = ports(tmp_path)

    def fetch(pin) -> None:
        outside.cancel.set()
        raise failure("the program was killed")

    outside = replace(outside, source=Store(tmp_path, on_fetch=fetch))
    _, results = run(works, outside, Options(jobs=1))
    assert outcomes(results) == ["cancelled", "skipped", "skipped", "skipped"]


def test_shared_work_outlives_the_cell_that_began_it(works, tmp_path, monkeypatch):
    """The system's layer is begun by whoever comes first, and is told in that cell's log. If that cell fails,
    the others have the layer all the same.
    """
    begun, over = threading.Event(), threading.Event()

    class Late(Engine):
        """Builds go on when the cell that asked for them has failed."""

        def build(self, request, on_progress, cancel):
            begun.set()
            assert over.wait(30)
            return super().build(request, on_progress, cancel)

    def fetch(pin) -> None:
        if pin.version == "2.8.0+cpu":
            assert begun.wait(30)  # the other cell is first

    def contents(wheels, site):
        if wheels[0][0].version == "2.7.1+cpu":
            assert begun.wait(30)
            raise failure("the wheel is damaged")
        return whole(wheels, site)

    whole = carrier.wheels.contents
    monkeypatch.setattr(carrier.wheels, "contents", contents)
    outside = ports(tmp_path, Late(on_run=reports()), Store(tmp_path, on_fetch=fetch))
    outside = replace(outside, shared=Shared(4))  # what waits here holds a slot
    running, results = pipeline.run(works[:2], outside, Options(jobs=4, verify=False)), ()

    def through():
        nonlocal results
        results = yield from running

    for event in through():
        if isinstance(event, Finished) and event.outcome == "failed":
            over.set()
    assert outcomes(results) == ["failed", "done"]
    assert results[0].problems[0].message == "the wheel is damaged"
