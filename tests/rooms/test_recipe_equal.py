"""Recipes that must be equal, and those that must not."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builder.facts import Facts, load
from builder.matrix import User
from builder.recipe import templates_folder, write
from tests.golden.cells import cell, matrix, team_matrix

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


def test_cells_with_the_same_packages_share_the_os_image(facts: Facts) -> None:
    def os_digest(**wanted: str) -> str:
        return write(cell(**wanted), team_matrix(), facts).os_digest

    shared = os_digest()
    assert os_digest(torch="2.7.1", cuda="12.6") == shared
    assert os_digest(os="debian13", python="3.13") != shared
    assert os_digest(provider="standalone") != shared
    assert os_digest(provider="standalone") == os_digest(provider="standalone", python="3.12")
    assert os_digest(provider="conda") != os_digest(provider="conda", python="3.12")


@pytest.mark.parametrize("change", [{"system": ("vim",)}, {"user": User(name="ml", uid=7)}])
def test_what_the_os_stage_reads_changes_its_digest(facts: Facts, change: dict[str, object]) -> None:
    plain, other = write(cell(), matrix(), facts), write(cell(), matrix(**change), facts)
    assert plain.os_digest != other.os_digest
    assert plain.digest != other.digest


def test_what_it_does_not_read_does_not(facts: Facts) -> None:
    plain = write(cell(), matrix(), facts)
    other = write(cell(), matrix(pip=("scipy",), settings=(("A", "b"),)), facts)
    assert plain.os_digest == other.os_digest
    assert plain.digest != other.digest


PROGRAM = """
import sys
from builder.facts import load
from tests.golden.cells import golden_cells, team_matrix
from builder.recipe import write
import builder
facts = load()
for cell in list(golden_cells(facts))[::9]:
    sys.stdout.write(write(cell, team_matrix(), facts).digest + "\\n")
sys.stderr.write(builder.__file__)
"""


def test_recipes_are_equal_from_two_install_locations_and_hash_seeds(tmp_path: Path) -> None:
    """A peer writes its own install path into the Dockerfile."""
    installed, checkout = tmp_path / "site packages", tmp_path / "work"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "builder", installed / "builder", ignore=skip)
    shutil.copytree(templates_folder(), installed / "builder" / "templates")
    shutil.copytree(ROOT / "builder", checkout / "builder", ignore=skip)
    shutil.copytree(templates_folder(), checkout / "templates")
    told = []
    for seed, place in enumerate((installed, checkout, ROOT)):
        (place / "tests" / "golden").mkdir(parents=True, exist_ok=True)
        if place != ROOT:
            shutil.copy(ROOT / "tests" / "golden" / "cells.py", place / "tests" / "golden")
        settings = {**os.environ, "PYTHONPATH": str(place), "PYTHONHASHSEED": str(seed)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr.startswith(str(place))
        told.append(done.stdout)
    assert told[0].count("sha256:") > 10
    assert told[0] == told[1] == told[2]


def test_every_part_of_a_recipe_is_a_value(facts: Facts) -> None:
    recipe = write(cell(), team_matrix(), facts)
    assert recipe == write(cell(), team_matrix(), facts)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.base = "other"  # type: ignore[misc]
