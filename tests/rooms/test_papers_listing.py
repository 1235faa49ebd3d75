"""The script that lists an environment's distributions, run by this Python over folders made here."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import CellError
from builder.papers import distributions
from builder.papers.contents import SCRIPT

TEXT = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def ran(*folders: Path) -> subprocess.CompletedProcess[str]:
    """The script with nothing on sys.path but the standard library and these."""
    words = [sys.executable, "-S", "-s", "-c", SCRIPT.read_text()]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=env)


def listed(*folders: Path) -> list[dict[str, object]]:
    done = ran(*folders)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["distributions"]
    return found


def names(*folders: Path) -> list[tuple[object, object]]:
    return [(one["name"], one["version"]) for one in listed(*folders)]


def put(folder: Path, at: str, text: str) -> None:
    (folder / at).parent.mkdir(parents=True, exist_ok=True)
    (folder / at).write_text(text, encoding="utf-8")


def test_every_way_of_being_installed_is_found(tmp_path):
    put(tmp_path, "A_wheel-1.0.dist-info/METADATA", TEXT.format("A.Wheel", "1.0"))
    put(tmp_path, "folder-2.0.egg-info/PKG-INFO", TEXT.format("folder", "2.0"))
    put(tmp_path, "plain-3.0.egg-info", TEXT.format("plain", "3.0"))
    put(tmp_path, "old-4.0-py3.11.egg/EGG-INFO/PKG-INFO", TEXT.format("old", "4.0"))
    put(tmp_path, "module/__init__.py", "")
    found = names(tmp_path, tmp_path / "old-4.0-py3.11.egg", tmp_path / "missing")
    assert found == [("A.Wheel", "1.0"), ("folder", "2.0"), ("plain", "3.0"), ("old", "4.0")]


def test_metadata_are_read_as_they_stand(tmp_path):
    more = (
        "License: one\n        two é\nLicense-Expression: MIT\nClassifier: B\nClassifier: A\n\nName: body\n"
    )
    put(tmp_path, "x-1.0.dist-info/METADATA", TEXT.format("x", "1.0") + more)
    (found,) = listed(tmp_path)
    assert found == {
        "at": str(tmp_path / "x-1.0.dist-info"),
        "name": "x",
        "version": "1.0",
        "licence": "one\n        two é",
        "expression": "MIT",
        "classifiers": ["B", "A"],
    }


def test_a_folder_hides_what_those_after_it_have_under_that_name(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    put(one, "Some_Name-1.0.dist-info/METADATA", TEXT.format("Some_Name", "1.0"))
    put(other, "some_name-2.0.dist-info/METADATA", TEXT.format("some-name", "2.0"))
    (tmp_path / "link").symlink_to(one)
    assert names(one, other, tmp_path / "link") == [("Some_Name", "1.0")]
    assert names(other, one) == [("some-name", "2.0")]


def test_what_pip_left_of_an_interruption_is_no_distribution(tmp_path):
    put(tmp_path, "~orch-1.0.dist-info/METADATA", TEXT.format("torch", "1.0"))
    assert names(tmp_path) == []


def test_one_without_metadata_is_not_passed_over(tmp_path):
    put(tmp_path, "x-1.0.dist-info/RECORD", "")
    done = ran(tmp_path)
    with pytest.raises(CellError, match=r"x-1\.0\.dist-info' has no plain name"):
        distributions.read(done.stdout)


def test_bytes_that_are_no_text_do_not_end_it(tmp_path):
    put(tmp_path, "x-1.0.dist-info/METADATA", TEXT.format("x", "1.0"))
    path = tmp_path / "x-1.0.dist-info/METADATA"
    path.write_bytes(path.read_bytes() + b"License: caf\xe9\n")
    assert listed(tmp_path)[0]["licence"] == "caf\ufffd"


def test_what_cannot_be_listed_whole_ends_it(tmp_path):
    put(tmp_path, "x.zip", "")
    assert "is an archive" in ran(tmp_path / "x.zip").stderr
    (tmp_path / "big-1.0.dist-info").mkdir()
    with (tmp_path / "big-1.0.dist-info/METADATA").open("wb") as file:
        file.truncate((16 << 20) + 1)
    done = ran(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has more than" in done.stderr


def test_the_oldest_python_understands_it():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    imported = {each.module if isinstance(each, ast.ImportFrom) else each.names[0].name
                for each in ast.walk(tree) if isinstance(each, (ast.Import, ast.ImportFrom))}  # fmt: skip
    assert imported == {"email.parser", "json", "pathlib", "platform", "re", "sys"}
    given = [each.returns for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    assert all(
        isinstance(each, (ast.Constant, ast.Name)) for each in given
    )  # `list[str]` is none, unless quoted
