"""The pipeline over the dry engine: every cell is accounted for, and one cell's failure is its own."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from builder import pipeline, records, verification
from builder.cellwork import Work
from builder.engine.api import BuildRequest
from builder.errors import CellError, InterruptedByUserError, OutsideError, Problem
from builder.events import Event, Finished, Progressed, Started
from builder.pipeline import Options, Result
from builder.ports import Ports
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
    """An engine whose build of the environment fails for cells whose requirements name `wanted`."""

    def on_build(request: BuildRequest) -> None:
        text = next(e.content for e in request.context if e.path == "env/requirements.txt")
        version = next(e.content for e in request.context if e.path == "python/version.txt")
        if request.target == "image" and wanted in f"{version.decode()}{text.decode()}":
            raise error

    return Engine(on_run=reports(), on_build=on_build)


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
        assert [outside.engine.find(tag).id for tag in work.recipe.cell.tags] == [result.image.id]
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
        assert seen == ["fetch", "base", "build", "verify"]
        ended = {event.stage: event.outcome for event in own if isinstance(event, Finished)}
        assert ended == {"fetch": "done", "base": "done", "build": "done", "verify": "passed"}
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


def test_fail_fast_leaves_the_rest_and_accounts_for_it(works, tmp_path):
    outside = ports(tmp_path, fails_for("2.7.1", failure()))
    _, results = run(works, outside, Options(jobs=1, fail_fast=True))
    assert outcomes(results) == ["failed", "skipped", "skipped", "skipped"]
    assert [result.exit_code for result in results] == [1, 1, 1, 1]
    assert len(outside.engine.builds("image")) == 1


def test_without_fail_fast_the_rest_goes_on(works, tmp_path):
    outside = ports(tmp_path, fails_for("2.7.1", failure()))
    run(works, outside, Options(jobs=1))
    assert len(outside.engine.builds("image")) == 4


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


def test_a_failure_after_the_interrupt_is_part_of_it(works, tmp_path):
    """Ctrl-C reaches the resolver's own process too, which then ends with an error."""
    outside = ports(tmp_path)

    def resolve(order) -> None:
        outside.cancel.set()
        raise failure("the resolver was killed")

    outside = replace(outside, source=Store(tmp_path, on_resolve=resolve))
    _, results = run(works, outside, Options(jobs=1))
    assert outcomes(results) == ["cancelled", "skipped", "skipped", "skipped"]
