"""Records on disk, and the schemas that are published for everything that envbuild writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from builder import records
from builder.check import Check
from builder.cli import selection
from builder.image import Image, Piece
from builder.pipeline import Result
from builder.report import plan_table, summary
from builder.report.plan_table import Plan
from builder.verification import Verification

ROOT = Path(__file__).parents[2]
MATRICES = sorted((ROOT / "matrices").glob("*.yaml"))

IMAGE = Image(
    cell="debian12-py3.11-cpu-torch2.13.0",
    id="sha256:1",
    stored="sha256:0",
    tags=("team/torch:1",),
    size=10,
    base="debian:12",
    origin="registry",
    recipe="sha256:2",
    inputs="3",
    packages=(("numpy", "2.4.6"), ("torch", "2.13.0+cpu")),
    layers=(Piece(label="torch 2.13.0+cpu", diff_id="sha256:4", size=9),),
    seconds=1.5,
)
PROOF = Verification(
    cell=IMAGE.cell,
    image=IMAGE.id,
    status="failed",
    reason="train.curve: no",
    level="basic",
    verifier="0" * 64,
    seconds=2.0,
    environment={"torch": "2.13.0+cpu"},
    fingerprint={"loss_curve": [1.0, 0.5]},
    asked="5",
    checks=(
        Check(id="train.curve", title="trains", status="fail", required=True, seconds=1.0, warnings=("w",)),
    ),
)


def schema(name: str) -> dict[str, object]:
    return json.loads((ROOT / "docs" / name).read_text())


def test_an_image_and_a_verdict_come_back_as_they_were(tmp_path: Path) -> None:
    for kind, value in (("image", IMAGE), ("verification", PROOF)):
        records.write(tmp_path, kind, value, "sha256:parent")
        body = json.loads((tmp_path / f"{kind}.json").read_text())
        assert body["parent"] == "sha256:parent"
        jsonschema.validate(body, schema("records.schema.json"))
    assert records.read_image(tmp_path) == IMAGE
    assert records.read_verification(tmp_path) == PROOF


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "other"}', '{"schema": "envbuild.records/1"}']
)
def test_what_is_not_a_record_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "image.json").write_text(text)
    assert records.read_image(tmp_path) is None


def test_a_record_of_another_kind_or_with_fields_missing_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text("[" * 200_000)
    assert records.read_image(tmp_path) is None
    records.write(tmp_path, "image", {"cell": "x", "tags": [], "packages": [], "layers": []}, None)
    assert records.read_image(tmp_path) is None
    (tmp_path / "verification.json").write_text((tmp_path / "image.json").read_text())
    assert records.read_verification(tmp_path) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "x"},
        {"seconds": None},
        {"id": 5},
        {"stored": None},
        {"inputs": 1},
        {"tags": 7},
        {"recipe": []},
        {"layers": [1]},
        {"layers": [{"label": "x"}]},
    ],
    ids=str,
)
def test_a_record_with_a_field_of_another_type_is_no_record(tmp_path: Path, wrong: dict[str, object]) -> None:
    records.write(tmp_path, "image", {**records.plain(IMAGE), **wrong}, None)
    assert records.read_image(tmp_path) is None


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.stem)
def test_the_plan_of_every_matrix_is_of_its_schema(path: Path) -> None:
    chosen = selection.read(path)
    plan = Plan(matrix=chosen.matrix, cells=chosen.cells, date=chosen.facts.date)
    told = json.loads(records.dumps(plan_table.as_json(plan)))
    jsonschema.validate(told, schema("plan.schema.json"))
    assert sum(told["counts"].values()) == len(told["cells"]) > 0


def test_results_are_of_their_schema() -> None:
    results = (Result(cell="x", outcome="failed", image=IMAGE, verification=PROOF, exit_code=1),)
    jsonschema.validate(json.loads(records.dumps(summary.as_json(results))), schema("results.schema.json"))


def test_the_published_schemas_are_what_the_types_say() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "schemas"), "--check"], check=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"environment": None},
        {"environment": []},
        {"checks": [{**records.plain(PROOF.checks[0]), "values": []}]},
        {"checks": [{**records.plain(PROOF.checks[0]), "seconds": "x"}]},
        {"checks": [{**records.plain(PROOF.checks[0]), "reason": 5}]},
        {"checks": [{**records.plain(PROOF.checks[0]), "values": {"n": 10**400}}]},
        {"checks": [{**records.plain(PROOF.checks[0]), "values": {"n": float("inf")}}]},
    ],
    ids=lambda wrong: str(wrong)[-40:],
)
def test_a_verdict_that_one_cannot_calculate_with_is_damaged(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    records.write(tmp_path, "verification", PROOF, None)
    assert not records.damaged(tmp_path)
    records.write(tmp_path, "verification", {**records.plain(PROOF), **wrong}, None)
    assert records.read_verification(tmp_path) is None
    assert records.damaged(tmp_path)
