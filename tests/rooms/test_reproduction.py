"""Two rounds of one lock: the same image, or which layer and which path differ, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from builder import records, reproduction
from builder.engine.api import Assembled
from builder.errors import CellError, OutsideError
from builder.image import Locked
from builder.layer.cache import Layers
from builder.ports import Ports, Shared
from builder.report import reproduced
from builder.reproduction import Compared, Made, compared
from tests.screens.cases import Restless
from tests.screens.stand_ins import Engine, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
matrix: {os: [debian12, debian13], python: ["3.11"], cuda: [cpu], torch: ["2.8.0"]}
"""
CELL = "debian12-py3.11-cpu-torch2.8.0"


def silent(progress) -> None:
    del progress


def locked(folder: Path) -> list[Locked]:
    return [work.locked for work in works_of(folder, MATRIX) if work.locked]


def fresh(folder: Path, engine: Engine, number: int) -> Ports:
    layers = Layers(root=folder / f"round{number}")
    return replace(ports(folder, engine), layers=layers, shared=Shared(2), fresh=f"-{number}")


def both(folder: Path, engine: Engine) -> list[Compared]:
    cells = locked(folder)
    one, other = (reproduction.build(cells, fresh(folder, engine, n), silent) for n in (1, 2))
    return [compared(one_cell, one[one_cell], other[one_cell]) for one_cell in one]


def test_the_same_from_nothing_twice(tmp_path):
    engine = Engine(on_run=reports())
    found = both(tmp_path, engine)
    assert [(one.same, len(set(one.ids)), one.differing, one.exit_code) for one in found] == [
        (True, 1, (), 0)
    ] * 2
    assert len(engine.builds("os")) == 4  # both systems in both rounds
    assert all(request.no_cache for request in engine.builds("os"))


def test_a_fresh_round_uses_nothing_that_was_there(tmp_path):
    engine = Engine(on_run=reports())
    cells = locked(tmp_path)
    reproduction.build(cells, ports(tmp_path, engine), silent)
    loads, builds = len(engine.loads), len(engine.builds("os"))
    reproduction.build(cells, fresh(tmp_path, engine, 1), silent)
    assert len(engine.builds("os")) == builds + 2
    assert len(engine.loads) == loads
    names = {request.tag for request in engine.builds("os")}
    assert len(names) == 4
    reproduction.forget(cells, fresh(tmp_path, engine, 1))
    assert {name for name in names if engine.find(name)} == {
        name for name in names if not name.endswith("-1")
    }


def test_what_differs_is_told_with_layer_path_and_reason(tmp_path):
    one, _ = both(tmp_path, Restless(on_run=reports()))
    assert (one.cell, one.same, one.exit_code) == (CELL, False, 1)
    ((label, (difference,)),) = one.differing
    assert label == "system packages of debian12"
    assert (difference.path, difference.what) == ("usr/stamp", "content")
    assert "made as number" in difference.why


def test_a_layer_that_only_one_round_has_is_told(tmp_path):
    (cell, *_) = locked(tmp_path)
    made = reproduction.build([cell], fresh(tmp_path, Engine(on_run=reports()), 1), silent)[CELL]
    changed = Made(image=replace(made.image, config=b"{}"), parts=made.parts[:-1])
    assert compared(CELL, made, changed).differing == (("system packages of debian12", ()),)
    assert compared(CELL, changed, made).differing == (("system packages of debian12", ()),)


def test_configs_that_differ_alone_are_not_the_same(tmp_path):
    (cell, *_) = locked(tmp_path)
    made = reproduction.build([cell], fresh(tmp_path, Engine(on_run=reports()), 1), silent)[CELL]
    found = compared(CELL, made, replace(made, image=replace(made.image, config=b"{}")))
    assert (found.same, found.differing, found.exit_code) == (False, (), 1)


def test_no_more_than_some_differences_of_a_layer_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "MOST", 0)
    one, _ = both(tmp_path, Restless(on_run=reports()))
    assert one.differing == (("system packages of debian12", ()),)


def test_a_cell_that_fails_leaves_the_others_be(tmp_path):
    def fails(request):
        if b'org.envbuild.os="debian12"' in next(
            e.content for e in request.context if e.path == "Dockerfile"
        ):
            raise OutsideError.of("the engine is gone")

    one, other = both(tmp_path, Engine(on_run=reports(), on_build=fails))
    assert (one.same, one.ids, one.exit_code) == (False, (), 4)
    assert one.problems[0].message == "the engine is gone"
    assert other.same


def test_the_round_that_failed_is_the_one_that_is_told():
    good = Made(image=Assembled(config=b"{}", layers=()))
    bad = Made(problems=CellError.of("no").problems, exit_code=1)
    for found in (compared(CELL, good, bad), compared(CELL, bad, good), compared(CELL, bad, bad)):
        assert (found.same, found.problems, found.exit_code) == (False, bad.problems, 1)


def test_what_is_told_as_json(tmp_path):
    said = json.loads(records.dumps(reproduced.as_json(both(tmp_path, Restless(on_run=reports())))))
    (one, _) = said["cells"]
    assert (one["cell"], one["same"], len(set(one["ids"]))) == (CELL, False, 2)
    assert one["differing"][0]["layer"] == "system packages of debian12"
    assert one["differing"][0]["paths"][0]["path"] == "usr/stamp"


def test_a_config_that_differs_alone_is_told_with_what_to_do():
    told = reproduced.as_text([Compared(cell=CELL, ids=("sha256:1", "sha256:2"), exit_code=1)])
    assert "differs  sha256:1  sha256:2" in told
