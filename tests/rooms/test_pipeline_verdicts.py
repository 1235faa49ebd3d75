"""Verdicts, budgets, shared images and records of the pipeline, over the dry engine."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from builder import pipeline, records, verification
from builder.cellwork import Work
from builder.engine.api import BuildRequest
from builder.engine.dry import NOTHING_RAN
from builder.events import Event
from builder.pipeline import Options, Result
from builder.ports import Ports
from tests.screens.stand_ins import SIZE, Engine, checks, drive, ports, reports, works_of

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
NO_GPU = {"train.accuracy": {"status": "skip", "reason": "there is no GPU", "needs": "gpu"}}


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


def test_not_verified_is_not_passed_and_fails_the_run(works, tmp_path):
    outside = ports(tmp_path, Engine(on_run=reports(NO_GPU)))
    _, results = run(works[:1], outside)
    assert (results[0].outcome, results[0].exit_code) == ("not verified", 1)


def test_what_is_allowed_by_name_stays_not_verified_and_does_not_fail(works, tmp_path):
    outside = ports(tmp_path, Engine(on_run=reports(NO_GPU)))
    _, results = run(works[:1], outside, Options(allow=frozenset({"gpu"})))
    assert (results[0].outcome, results[0].exit_code) == ("not verified", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"train.accuracy": {"status": "fail", "reason": "wrong"}},
        {"train.accuracy": {"status": "error", "reason": "broke"}},
        {"train.accuracy": {"status": "skip", "reason": "no compiler", "needs": "compiler"}},
        {**NO_GPU, "save.load": {"status": "skip", "reason": "no disk", "needs": "disk"}},
    ],
    ids=["failed", "error", "waits for something else", "waits for more"],
)
def test_allowing_no_gpu_allows_nothing_else(works, tmp_path, change):
    outside = ports(tmp_path, Engine(on_run=reports(change)))
    _, results = run(works[:1], outside, Options(allow=frozenset({"gpu", "two gpus"})))
    assert results[0].exit_code == 1
    assert results[0].outcome != "passed"


def test_containers_that_say_nothing_prove_nothing(works, tmp_path):
    _, results = run(works, ports(tmp_path, Engine(on_run=lambda _: NOTHING_RAN)))
    assert outcomes(results) == ["error"] * 4
    assert all(result.exit_code == 1 for result in results)


def test_an_image_above_its_budget_gets_no_tag(tmp_path):
    works = works_of(tmp_path, MATRIX + "budget: {size: 1000MB}\n")
    outside = ports(tmp_path)
    _, results = run(works, outside)
    assert outcomes(results) == ["failed"] * 4
    assert "1.02 GB" in results[0].problems[0].message
    assert all(outside.engine.find(tag) is None for work in works for tag in work.recipe.cell.tags)
    assert records.read_image(works[0].folder) is None


def test_an_image_within_its_budget_passes(works, tmp_path):
    within = [replace(work, budget=SIZE) for work in works]
    assert outcomes(run(within, ports(tmp_path))[1]) == ["passed"] * 4


def test_cells_with_the_same_os_share_one_os_layer(works, tmp_path):
    outside = ports(tmp_path)
    assert len({work.recipe.os_digest for work in works}) == 1
    _, results = run(works, outside, Options(jobs=4))
    assert len(outside.engine.builds("os")) == 1
    assert len({result.image.layers[-1].diff_id for result in results}) == 1


class Crowded(Engine):
    """Whose OS build gives another one the time to begin beside it."""

    def __init__(self) -> None:
        super().__init__(on_run=reports())
        self._two = threading.Barrier(2)

    def build(self, request: BuildRequest, on_progress, cancel: threading.Event) -> str:
        if request.target == "os":
            with suppress(threading.BrokenBarrierError):
                self._two.wait(timeout=0.5)
        return super().build(request, on_progress, cancel)


def test_a_shared_os_image_is_not_built_twice_at_once(works, tmp_path):
    outside = ports(tmp_path, Crowded())
    run(works, outside, Options(jobs=4))
    assert len(outside.engine.builds("os")) == 1


def test_cells_on_different_systems_do_not_share(tmp_path):
    works = works_of(tmp_path, MATRIX.replace("[debian12]", "[debian12, debian13]"))
    outside = ports(tmp_path)
    run(works, outside, Options(jobs=4))
    assert len(outside.engine.builds("os")) == 2


def test_building_alone_and_verifying_later(works, tmp_path):
    outside = ports(tmp_path)
    _, made = run(works, outside, Options(verify=False))
    assert outcomes(made) == ["done"] * 4
    assert all(result.verification is None for result in made)
    _, proven = run(works, outside, Options(build=False))
    assert outcomes(proven) == ["passed"] * 4
    assert [result.image for result in proven] == [result.image for result in made]


def test_verifying_what_was_never_built(works, tmp_path):
    _, results = run(works, ports(tmp_path), Options(build=False))
    assert outcomes(results) == ["failed"] * 4
    assert results[0].problems[0].message == "this cell is not built yet"


def test_verifying_what_was_built_from_another_recipe(works, tmp_path):
    outside = ports(tmp_path)
    run(works, outside, Options(verify=False))
    changed = works_of(tmp_path, MATRIX + "settings: {OMP_NUM_THREADS: '2'}\n")
    _, results = run(changed, outside, Options(build=False))
    assert outcomes(results) == ["failed"] * 4
    assert "changed since" in results[0].problems[0].message


def test_verifying_what_the_engine_has_no_more(works, tmp_path):
    run(works, ports(tmp_path), Options(verify=False))
    _, results = run(works, ports(tmp_path), Options(build=False))
    assert outcomes(results) == ["failed"] * 4
    assert "no longer has the image" in results[0].problems[0].message


@pytest.mark.parametrize("moved", [True, False], ids=["to another image", "taken away"])
def test_verifying_under_a_tag_that_is_not_the_image_any_more(works, tmp_path, moved):
    outside = ports(tmp_path)
    run(works, outside, Options(verify=False))
    tag = works[0].recipe.cell.tags[0]
    outside.engine.tag(tag, "team/torch:kept")
    outside.engine.untag(tag)
    if moved:
        outside.engine.tag(works[1].recipe.cell.tags[0], tag)
    _, results = run(works, outside, Options(build=False))
    assert outcomes(results) == ["failed", *["passed"] * 3]
    assert tag in results[0].problems[0].message
