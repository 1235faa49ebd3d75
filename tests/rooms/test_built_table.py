"""The README's table: a record counts only for the recipe and the image that it was made from."""

import dataclasses
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

from builder import records
from builder.check import Check
from builder.cli import selection
from builder.image import Image
from builder.verification import Verification

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    loader = importlib.machinery.SourceFileLoader("built_table", str(ROOT / "scripts" / "built-table"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("built_table", loader))
    sys.modules["built_table"] = module
    loader.exec_module(module)
    yield module
    del sys.modules["built_table"]


@pytest.fixture(scope="module")
def recipe():
    return selection.select(ROOT / "matrices" / "quickstart.yaml").recipes()[0]


def image(recipe: str, origin: str = "registry") -> Image:
    return Image(
        cell="c",
        id="sha256:1",
        stored="sha256:1",
        tags=(),
        size=9,
        base="debian:12",
        origin=origin,
        recipe=recipe,
        inputs="i",
        packages=(),
        layers=(),
        seconds=1.0,
    )


def verification(image: str) -> Verification:
    return Verification(
        cell="c",
        image=image,
        status="passed",
        reason=None,
        level="basic",
        verifier="v",
        seconds=1.0,
        environment={},
        fingerprint={},
        checks=(),
    )


def verdict(script, recipe, folder, made, proof):
    cell = folder / recipe.cell.id
    records.write(cell, "image", made, made.recipe)
    records.write(cell, "verification", proof, proof.image)
    return script.seen(recipe, folder).verdict


def test_a_cell_without_records_is_only_rendered(script, recipe, tmp_path):
    assert script.seen(recipe, tmp_path).verdict == "rendered"


def test_a_proof_of_todays_recipe_counts(script, recipe, tmp_path):
    found = verdict(script, recipe, tmp_path, image(recipe.digest), verification("sha256:1"))
    assert found == "passed"


def test_a_record_of_another_recipe_does_not_count(script, recipe, tmp_path):
    found = verdict(script, recipe, tmp_path, image("sha256:old"), verification("sha256:1"))
    assert found == "rendered"


def test_a_proof_of_another_image_does_not_count(script, recipe, tmp_path):
    found = verdict(script, recipe, tmp_path, image(recipe.digest), verification("sha256:2"))
    assert found == "built"


@pytest.mark.parametrize(
    ("origin", "told"),
    [("registry", "debian:12"), ("engine", "debian:12"), ("bootstrap", "made from the package mirror")],
)
def test_a_row_tells_where_the_base_came_from(script, recipe, tmp_path, origin, told):
    records.write(tmp_path / recipe.cell.id, "image", image(recipe.digest, origin), None)
    assert script.row("m", script.seen(recipe, tmp_path))[2] == told


def test_an_os_is_told_by_the_best_that_was_done_with_it(script, recipe):
    passed = script.Seen(recipe=recipe, image=image(recipe.digest), verification=verification("sha256:1"))
    rendered = dataclasses.replace(passed, image=None, verification=None)
    assert [script.done(rendered, "m"), script.done(passed, "m"), script.done(passed, "look-alikes")] == [
        "rendered and linted",
        "built, passed",
        "built on a look-alike, passed",
    ]
    found = {"debian12": ["rendered and linted", "built, passed", "built, not verified"]}
    told = script.oses(found | {"rocky9": ["built on a look-alike, passed", "rendered and linted"]})
    assert "| `debian12` | 3.11 | built, passed |" in told
    assert "| `rocky9` | 3.9, 3.11, 3.12 | built on a look-alike, passed |" in told
    assert "| `ubuntu24.04` | 3.12 | rendered and linted |" in told


def test_the_table_goes_between_its_marks(script):
    readme = "before\n<!-- built-table -->\nold\n<!-- /built-table -->\nafter\n"
    expected = "before\n<!-- built-table -->\nnew\n<!-- /built-table -->\nafter\n"
    assert script.written(readme, "new") == expected
    assert script.written(expected, "new") == expected
    with pytest.raises(ValueError, match="unpack"):
        script.written("no marks", "new")


def test_a_curve_is_told_by_its_end_and_a_figure_that_is_missing_by_nothing(script):
    curve = Check(
        id="train.curve", title="t", status="pass", required=True, seconds=1.0, values={"losses": [2.0, 0.5]}
    )
    proof = dataclasses.replace(verification("sha256:1"), checks=(curve,))
    assert script.figure(proof, "train.curve", "losses") == "0.5000"
    assert script.figure(proof, "train.curve", "ratio") == script.figure(None, "train.curve", "losses") == ""
