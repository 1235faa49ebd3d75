"""What did not change is kept: no fetching, no build, no load, no verification; nothing more than that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder import pipeline, records, verification
from builder.cellwork import Work, kept
from builder.errors import OutsideError
from builder.events import Finished
from builder.pipeline import Options, Result
from builder.ports import Ports, Shared
from builder.report import figures
from tests.screens.stand_ins import Engine, Store, checks, drive, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
tags: ["{os}-py{python}-{cuda}-torch{torch}", latest]
matrix: {os: [debian12], python: ["3.11"], cuda: [cpu], torch: ["2.8.0"]}
"""
NO_GPU = {"train.accuracy": {"status": "skip", "reason": "there is no GPU", "needs": "gpu"}}
FAILED = {"train.accuracy": {"status": "fail", "reason": "wrong"}}


@pytest.fixture(autouse=True)
def _listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking the verifier for its checks starts an interpreter each time."""
    monkeypatch.setattr(verification, "listed", checks)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return works_of(tmp_path, MATRIX)[0]


@pytest.fixture
def outside(tmp_path: Path) -> Ports:
    return ports(tmp_path)


def run(work: Work, outside: Ports, **options) -> tuple[Result, dict[str, str]]:
    """Another run on the same engine: its result, and how each stage ended."""
    later = replace(outside, shared=Shared(2))
    events, (result,) = drive(pipeline.run([work], later, Options(**options)))
    return result, {event.stage: event.outcome for event in events if isinstance(event, Finished)}


def refuses(outside: Ports) -> Ports:
    """An outside from which nothing can be had any more: neither files nor containers."""

    def no(_) -> None:
        raise OutsideError.of("nothing is to be asked")

    outside.engine._on_build = outside.engine._on_load = outside.engine._on_run = no
    return replace(outside, source=Store(outside.source.folder, on_fetch=no, on_resolve=no))


def test_a_second_run_does_nothing_and_says_the_same(work, outside):
    first, stages = run(work, outside)
    assert stages == {"fetch": "done", "build": "done", "verify": "passed"}
    before = {path.name: path.stat().st_mtime_ns for path in work.folder.iterdir()}
    second, stages = run(work, refuses(outside))
    assert stages == {"build": "kept", "verify": "kept"}
    assert second == replace(first, kept=("build", "verify"))
    assert figures.row(second)[3:5] == ("kept", "kept")
    assert {path.name: path.stat().st_mtime_ns for path in work.folder.iterdir()} == before


def test_building_alone_keeps_too(work, outside):
    run(work, outside)
    result, stages = run(work, refuses(outside), verify=False)
    assert (result.outcome, stages) == ("done", {"build": "kept"})


def test_force_builds_again_and_comes_to_the_same(work, outside):
    first, _ = run(work, outside)
    second, stages = run(replace(work, force=True), outside)
    assert stages == {"fetch": "done", "build": "done", "verify": "passed"}
    assert second.image.id == first.image.id
    assert len(outside.engine.builds("os")) == 1  # layers are of the cache


def test_reverify_verifies_alone(work, outside):
    run(work, outside)
    asked = len(outside.engine.requests)
    result, stages = run(replace(work, reverify=True), outside)
    assert stages == {"build": "kept", "verify": "passed"}
    assert len(outside.engine.requests) == asked + 2  # both containers of a verification
    assert records.read_verification(work.folder) == result.verification


@pytest.mark.parametrize("moved", ["gone", "another image", "one of two"])
def test_a_tag_that_has_moved_is_put_again(work, outside, moved):
    first, _ = run(work, outside)
    tag = work.recipe.cell.tags[1 if moved == "one of two" else 0]
    outside.engine.untag(tag)
    if moved == "another image":
        outside.engine.tag(outside.engine.pull("other:1", "", print).id, tag)
    result, stages = run(work, outside)
    assert stages["build"] == "done"
    assert result.image.id == first.image.id
    assert {outside.engine.find(tag).id for tag in work.recipe.cell.tags} == {first.image.stored}


def test_an_image_that_the_engine_has_lost_is_built_again(work, outside):
    first, _ = run(work, outside)
    del outside.engine.images[first.image.stored]
    result, stages = run(work, outside)
    assert stages["build"] == "done"
    assert result.image.id == first.image.id


def test_another_engine_has_nothing_to_keep(work, outside, tmp_path):
    run(work, outside)
    _, stages = run(work, ports(tmp_path))
    assert stages["build"] == "done"


def test_other_inputs_are_built(work, outside):
    run(work, outside)
    changed = replace(work, locked=replace(work.locked, epoch=work.locked.epoch + 1))
    assert kept(work, work.locked, outside) is not None
    assert kept(changed, changed.locked, outside) is None
    assert run(changed, outside)[1]["build"] == "done"
    assert run(changed, outside)[1]["build"] == "kept"


def test_other_tags_are_put(work, outside):
    run(work, outside)
    cell = replace(work.recipe.cell, tags=(*work.recipe.cell.tags, "team/torch:more"))
    renamed = replace(work, recipe=replace(work.recipe, cell=cell))
    result, stages = run(renamed, outside)
    assert stages["build"] == "done"
    assert outside.engine.find("team/torch:more").id == result.image.stored


def test_a_record_that_cannot_be_read_keeps_nothing(work, outside):
    run(work, outside)
    (work.folder / "image.json").write_text("{")
    assert run(work, outside)[1]["build"] == "done"
    (work.folder / "verification.json").write_text("{")
    assert run(work, outside)[1] == {"build": "kept", "verify": "passed"}


def test_a_record_of_another_image_is_no_verdict_on_this_one(work, outside):
    run(work, outside)
    path = work.folder / "verification.json"
    path.write_text(path.read_text().replace('"asked": "', '"asked": "0'))
    assert run(work, outside)[1]["verify"] == "passed"


@pytest.mark.parametrize(
    ("changes", "status", "again"),
    [(NO_GPU, "not verified", "kept"), (FAILED, "failed", "failed")],
    ids=["not verified", "failed"],
)
def test_a_verdict_that_was_reached_is_kept_and_a_failure_tried_again(work, tmp_path, changes, status, again):
    outside = ports(tmp_path, Engine(on_run=reports(changes)))
    first, _ = run(work, outside)
    second, stages = run(work, outside)
    assert stages["verify"] == again
    assert (first.outcome, second.outcome) == (status, status)
    assert second.exit_code == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda work: replace(work, settings=replace(work.settings, level="deep")),
        lambda work: replace(work, settings=replace(work.settings, epochs=work.settings.epochs + 1)),
        lambda work: replace(work, gpus=True),
        lambda work: replace(work, mnist="/data"),
        lambda work: replace(
            work, recipe=replace(work.recipe, claim=replace(work.recipe.claim, python="3.12"))
        ),
    ],
    ids=["level", "epochs", "gpus", "data", "claim"],
)
def test_a_verdict_on_another_question_is_not_kept(work, outside, change):
    run(work, outside)
    assert run(change(work), outside)[1]["verify"] != "kept"


def test_a_verdict_of_another_machine_or_verifier_is_not_kept(work, outside, monkeypatch):
    run(work, outside)
    monkeypatch.setattr(Ports, "host", lambda self: "another kind of machine")
    assert run(work, outside)[1]["verify"] == "passed"
    assert run(work, outside)[1]["verify"] == "kept"
    monkeypatch.setattr(verification, "bundle_digest", lambda: "0" * 64)
    assert run(work, outside)[1]["verify"] == "passed"


def test_the_record_names_what_it_was_made_of(work, outside):
    result, _ = run(work, outside)
    said = json.loads((work.folder / "image.json").read_text())
    assert said["parent"] == said["value"]["inputs"] == work.locked.inputs
    assert said["value"]["origin"] == "registry"
    assert [piece["label"] for piece in said["value"]["layers"]] == [
        "Python 3.11.9",
        "torch 2.8.0+cpu",
        "virtual environment",
        "base debian:12",
        "system packages of debian12",
    ]
    proof = json.loads((work.folder / "verification.json").read_text())
    assert proof["parent"] == proof["value"]["image"] == result.image.id


def test_verifying_alone_wants_the_image_of_this_lock(work, outside):
    run(work, outside)
    changed = replace(work, locked=replace(work.locked, epoch=work.locked.epoch + 1))
    result, _ = run(changed, outside, build=False)
    assert (result.outcome, result.exit_code) == ("failed", 1)
    assert result.problems[0].message == "the lock changed since this cell was built"
    assert run(replace(work, locked=None), outside, build=False)[0].outcome == "passed"
