"""A pull request's run: the shell of the workflow and of the action, a runner's environment, the real tool.

Every way that it can end: passed, failed, not verified, bad input, no engine.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fake_runner import Runner, action, machine, workflow
from main_job import CELL, COMMAND, Job, Passed, fake
from registry import running

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

ERROR = re.compile(r"^::error (.*?)::(.*)$", re.MULTILINE)


@pytest.fixture
def runner(job: Job, tmp_path: Path) -> Runner:
    (tmp_path / "work").mkdir()
    return Runner(
        folder=tmp_path / "work", env=machine(**{k: v for k, v in job.env.items() if k in SETTINGS})
    )


SETTINGS = ("DOCKER_HOST", "ENVBUILD_STORE")


def given(runner: Runner, path: Path, lock: bool = True) -> Path:
    """A matrix, with its lock if it has one, in the workspace."""
    place = runner.folder / path.name
    place.write_text(path.read_text())
    beside = path.with_suffix(".lock.json")
    if lock and beside.exists():
        (runner.folder / beside.name).write_text(beside.read_text())
    return place


def values(matrix: Path, **more: str) -> dict[str, str]:
    inputs = {"matrix": matrix.name, "install": "pip", "shards": "0", "flags": "", "publish-to": "", **more}
    inputs |= {"command": "up", "cells": "", "python": "python3"} | more
    told = {f"inputs.{name}": text for name, text in inputs.items()}
    return told | {"matrix.cells": CELL, "secrets.registry-user": "", "secrets.registry-password": ""}


def cases(path: Path) -> dict[str, str]:
    """How each check ended, by JUnit."""
    root = ElementTree.parse(path).getroot()  # noqa: S314  it was made here
    return {
        case.get("name", ""): next((child.tag for child in case if child.tag != "system-out"), "pass")
        for case in root.iter("testcase")
    }


def test_plan_prove_publish(runner: Runner, passed: Passed, tmp_path: Path) -> None:
    matrix = given(runner, passed.matrix)
    planned = runner.run(workflow("images", "plan")["Plan"], values(matrix))
    assert planned.code == 0, planned.log
    (row,) = json.loads(planned.outputs["jobs"])["include"]
    assert (row["cells"], row["runner"]) == (CELL, "ubuntu-24.04")

    steps = workflow("images", "prove")
    proven = runner.run(steps["Build and prove"], values(matrix, flags="--level basic --reverify"))
    assert proven.code == 0, proven.log
    assert cases(runner.folder / "envbuild.xml")["train.curve"] == "pass"
    assert not set(cases(runner.folder / "envbuild.xml").values()) & {"failure", "error"}
    assert f"| `{CELL}` | ✅ passed |" in proven.summary
    assert not ERROR.findall(proven.log)

    with running(tmp_path / "registry") as registry:
        published = runner.run(steps["Publish"], values(matrix, **{"publish-to": f"{registry.address}/team"}))
        assert published.code == 0, published.log
        assert re.search(rf"^{registry.address}/team@sha256:[0-9a-f]{{64}}$", published.log, re.MULTILINE)


def test_mistakes_of_a_matrix_are_told_at_their_lines(runner: Runner, passed: Passed) -> None:
    matrix = given(runner, passed.matrix, lock=False)
    lines = matrix.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "os: [debian12]" in line)
    lines[number - 1] = lines[number - 1].replace("debian12", "debien12")
    matrix.write_text("\n".join(lines))
    ended = runner.run(workflow("images", "plan")["Plan"], values(matrix))
    assert ended.code == 2
    ((place, words),) = ERROR.findall(ended.log)
    assert f"file={matrix.name},line={number},col=" in place
    assert "did you mean debian12?" in words
    assert "nothing was done" in ended.summary
    assert "jobs" not in ended.outputs


def test_a_cell_that_fails_is_red_everywhere(runner: Runner, passed: Passed) -> None:
    lines, files = fake("raise ImportError('broken on purpose\\n::error::injected')")
    image = passed.job.derive(passed.tag, *lines, files=files)
    matrix = given(runner, passed.judged_as(image))
    step = action()["Run envbuild"]
    _installed(runner)
    records = passed.job.folder / ".envbuild" / matrix.stem
    told = values(matrix, command="verify", flags=f"--out {records}")
    ended = runner.run(step, told)
    assert ended.code == 1, ended.log
    assert cases(Path(ended.outputs["junit"]))["torch.import"] == "failure"
    errors = ERROR.findall(ended.log)
    assert [place for place, _ in errors] == [f"title={CELL}%3A failed"]
    assert "broken on purpose" in errors[0][1]
    assert f"| `{CELL}` | ❌ failed |" in ended.summary


def test_what_no_gpu_was_there_for_is_not_passed(runner: Runner, passed: Passed) -> None:
    """A verdict of before, of a machine without a GPU: it is kept, for nothing has changed."""
    matrix = given(runner, passed.matrix)
    records = runner.folder / ".envbuild" / matrix.stem
    shutil.copytree(passed.out, records)
    path = records / CELL / "verification.json"
    record = json.loads(path.read_text())
    checks = record["value"]["checks"]
    waiting = {"status": "skip", "required": True, "reason": "no GPU was passed", "needs": "gpu"}
    next(check for check in checks if check["id"] == "gpu.train").update(waiting)
    record["value"] |= {"status": "not verified", "reason": "gpu.train: no GPU was passed"}
    path.write_text(json.dumps(record))
    _installed(runner)
    step, told = action()["Run envbuild"], values(matrix, command="verify")
    ended = runner.run(step, told)
    assert ended.code == 1, ended.log
    assert "⚠️ not verified" in ended.summary
    assert cases(Path(ended.outputs["junit"]))["gpu.train"] == "error"
    allowed = runner.run(step, told | {"inputs.flags": "--allow no-gpu"})
    assert allowed.code == 0, allowed.log
    assert "⚠️ not verified" in allowed.summary
    assert cases(Path(allowed.outputs["junit"]))["gpu.train"] == "skipped"
    assert re.search(r"^::warning title=.*not verified%2C and allowed::", allowed.log, re.MULTILINE)


def test_without_an_engine_it_ends_with_4(runner: Runner, passed: Passed) -> None:
    matrix = given(runner, passed.matrix)
    lost = Runner(folder=runner.folder, env={**runner.env, "DOCKER_HOST": "unix:///nowhere/d.sock"})
    ended = lost.run(workflow("images", "prove")["Build and prove"], values(matrix))
    assert ended.code == 4, ended.log
    assert ERROR.findall(ended.log)
    assert "✅" not in ended.summary


def test_the_action_installs_envbuild_from_its_own_files(runner: Runner, passed: Passed) -> None:
    matrix = given(runner, passed.matrix)
    ended = runner.run(action()["Install envbuild"], values(matrix))
    assert ended.code == 0, ended.log
    planned = runner.run(action()["Run envbuild"], values(matrix, command="plan", cells="debian12*"))
    assert planned.code == 0, planned.log
    assert "1 to build" in planned.log
    assert planned.outputs == {}  # a plan leaves no records


def _installed(runner: Runner) -> None:
    """envbuild where the action's first step puts it."""
    place = runner.folder.parent / "envbuild" / "bin"
    place.mkdir(parents=True)
    (place / "envbuild").symlink_to(COMMAND)
