"""Recipes on disk: written whole, compared file by file."""

from pathlib import Path

import pytest

from builder.errors import OutsideError
from builder.facts import load
from builder.recipe import Recipe, drift, write, write_folder
from tests.golden.cells import cell, team_matrix


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return write(cell(), team_matrix(), load())


def test_a_written_folder_has_not_drifted(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "cell"
    write_folder(recipe, folder)
    assert drift(recipe, folder) == ()
    assert {p.name for p in folder.parent.iterdir()} == {"cell"}
    assert folder.stat().st_mode & 0o777 == 0o755
    write_folder(recipe, folder)
    assert drift(recipe, folder) == ()


def test_every_kind_of_drift_is_named(recipe: Recipe, tmp_path: Path) -> None:
    """A peer's committed Dockerfiles differ from its generator's, and nothing tells."""
    write_folder(recipe, tmp_path / "cell")
    (tmp_path / "cell" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "cell" / "os" / "packages.txt").unlink()
    (tmp_path / "cell" / "env" / "pins.txt").write_text("")
    expected = ("Dockerfile differs", "env/pins.txt is extra", "os/packages.txt is missing")
    assert drift(recipe, tmp_path / "cell") == expected


def test_a_folder_that_is_not_there_misses_everything(recipe: Recipe, tmp_path: Path) -> None:
    assert drift(recipe, tmp_path / "none") == tuple(f"{path} is missing" for path, _ in recipe.files)


def test_writing_again_repairs_and_leaves_other_files_alone(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    write_folder(recipe, folder)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "notes.txt").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not to be touched")
    (folder / "os" / "packages.txt").unlink()
    (folder / "os" / "packages.txt").symlink_to(elsewhere)
    write_folder(recipe, folder)
    assert drift(recipe, folder) == ("notes.txt is extra",)
    assert elsewhere.read_text() == "not to be touched"
    assert not (folder / "os" / "packages.txt").is_symlink()


def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError) as caught:
        write_folder(recipe, tmp_path / "file" / "cell")
    assert caught.value.problems[0].hint
    with pytest.raises(OutsideError):
        write_folder(recipe, tmp_path / "file")
    assert {p.name for p in tmp_path.iterdir()} == {"file"}
