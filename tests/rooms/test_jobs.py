"""Parts of a matrix, and a plan as jobs: all cells once, even work, and what the CI systems take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from builder.cell import Cell, parts
from builder.cell.shards import _cost, _groups
from builder.cli import selection
from builder.errors import InputError
from builder.report import jobs
from tests.golden.cells import cell

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

MATRICES = sorted((ROOT / "matrices").glob("*.yaml"))


def names(cells: Sequence[Cell]) -> list[str]:
    return [one.id for one in cells]


def cost(part: Sequence[Cell]) -> int:
    return sum(map(_cost, _groups(part)))


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.stem)
@pytest.mark.parametrize("of", [1, 2, 3, 7, 100])
def test_every_cell_is_in_one_part_and_in_its_order(path, of) -> None:
    cells = selection.read(path).chosen
    found = parts(cells, of)
    assert len(found) == of
    assert sorted(name for part in found for name in names(part)) == sorted(names(cells))
    order = {name: number for number, name in enumerate(names(cells))}
    assert all(names(part) == sorted(names(part), key=order.__getitem__) for part in found)
    assert parts(cells, of) == found


@pytest.mark.parametrize("of", [2, 3, 4, 6])
def test_the_parts_are_even(of) -> None:
    cells = selection.read(ROOT / "matrices" / "team.yaml").chosen
    costs = sorted(cost(part) for part in parts(cells, of))
    assert costs[-1] < 1.35 * costs[0]


def test_cells_with_one_environment_stay_together_where_that_is_even() -> None:
    fields = [("debian12", "2.7.0"), ("debian13", "2.8.0"), ("debian13", "2.7.0"), ("debian12", "2.8.0")]
    cells = [cell(os=os, torch=torch, provider="standalone") for os, torch in fields]
    found = [{one.torch for one in part} for part in parts(cells, 2)]
    assert found in ([{"2.7.0"}, {"2.8.0"}], [{"2.8.0"}, {"2.7.0"}])


def test_one_environment_alone_is_cut() -> None:
    cells = [cell(os=f"system{number}", provider="standalone") for number in range(10)]
    assert [len(part) for part in parts(cells, 2)] == [5, 5]


def test_github_gets_a_job_per_cell() -> None:
    cells = selection.read(ROOT / "matrices" / "debian.yaml").chosen
    text = jobs.for_github(jobs.cut(cells, None))
    told = json.loads(text)
    assert [row["cells"] for row in told["include"]] == names(cells)
    assert told["include"][0] == {
        "name": cells[0].id,
        "cells": cells[0].id,
        "os": "debian11",
        "python": "3.11",
        "cuda": "cpu",
        "torch": "2.13.0",
        "platform": "linux/amd64",
        "runner": "ubuntu-24.04",
        "gpu": False,
    }
    assert "\n" not in text


def test_or_a_job_per_part_none_of_them_empty() -> None:
    cells = selection.read(ROOT / "matrices" / "debian.yaml").chosen
    told = json.loads(jobs.for_github(jobs.cut(cells, 100)))["include"]
    assert sorted(name for row in told for name in row["cells"].split()) == sorted(names(cells))
    assert all(row["cells"] for row in told)


def test_platforms_do_not_share_a_machine() -> None:
    cells = [cell(id=f"c{number}", arch=arch) for number, arch in enumerate(["x86_64", "aarch64"] * 4)]
    told = json.loads(jobs.for_github(jobs.cut(cells, 4)))["include"]
    assert {(row["platform"], row["runner"]) for row in told} == {
        ("linux/amd64", "ubuntu-24.04"),
        ("linux/arm64", "ubuntu-24.04-arm"),
    }
    assert len(told) == 4


def test_more_jobs_than_github_takes_are_refused() -> None:
    cells = [cell(id=f"c{number}") for number in range(257)]
    with pytest.raises(InputError, match="256 jobs of one matrix, and these are 257"):
        jobs.for_github(jobs.cut(cells, None))
    assert len(json.loads(jobs.for_github(jobs.cut(cells, 64)))["include"]) <= 64


@pytest.mark.parametrize("shards", [None, 2])
@pytest.mark.parametrize("name", ["debian", "team", "nothing"])
def test_gitlab_gets_a_pipeline_that_its_schema_takes(name, shards, tmp_path) -> None:
    cells = selection.read(ROOT / "matrices" / f"{name}.yaml").chosen if name != "nothing" else ()
    text = jobs.for_gitlab(jobs.cut(cells, shards), Path("matrices/m.yaml"))
    path = tmp_path / "pipeline.yml"
    path.write_text(text)
    assert _checked(path) == 0
    document = yaml.safe_load(text)
    scripts = [job["script"][0] for job in document.values() if isinstance(job, dict) and "script" in job]
    told = [word for script in scripts for word in script.split() if "-torch" in word]
    assert sorted(told) == sorted(names(cells))
    shown = text.replace(
        ".prove:\n", "template:\n  script: [x]\n"
    )  # a job whose name has a dot is not looked at
    path.write_text(shown)
    assert _checked(path) == 0
    path.write_text(shown.replace("when: always", "when: sometimes"))
    assert _checked(path) == 1


def _checked(path: Path) -> int:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(path)]
    return subprocess.run(words, capture_output=True, check=False).returncode


def test_a_path_with_odd_characters_is_one_word_of_the_shell() -> None:
    text = jobs.for_gitlab(jobs.cut([cell()], None), Path("a b/$(touch x);m.yaml"))
    found = [job for job in yaml.safe_load(text).values() if isinstance(job, dict) and "script" in job]
    assert "'a b/$(touch x);m.yaml'" in found[0]["script"][0]


@pytest.mark.parametrize(("asked", "made"), [(1, 2), (2, 2), (3, 3), (5, 5), (6, 6), (9, 6)])
def test_as_many_jobs_as_were_asked_for_whatever_the_platforms(asked, made) -> None:
    oses = ("debian11", "debian12", "debian13")
    cells = [cell(os=os, arch=arch) for arch in ("x86_64", "aarch64") for os in oses]
    found = jobs.cut(cells, asked)
    assert len(found) == made
    assert all(len({one.platform for one in job.cells}) == 1 for job in found)
    assert sum(len(job.cells) for job in found) == 6
