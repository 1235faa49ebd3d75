"""docs/matrix-reference.md is what the schema says, and what it says is what the parser does."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from builder import matrix
from builder.matrix import keys
from tests.rooms.test_matrix_examples import BASE, SCHEMA

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/matrix-reference.md").read_text()
EXAMPLES = [
    line for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
# Each default as a matrix would write it, with the parts that hold it.
DEFAULTS = [{name: part["default"]} for name, part in SCHEMA["properties"].items() if "default" in part]
DEFAULTS += [
    {name: {key: inner["default"]}}
    for name, part in SCHEMA["properties"].items()
    for key, inner in part.get("properties", {}).items()
    if "default" in inner
]


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, folder / "scripts/matrix-reference", "--check"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def read(document: object) -> dict:
    """What the parser makes of it, without places; JSON is YAML."""
    found = dataclasses.asdict(matrix.parse(json.dumps(document), Path("f.yaml")))
    return json.loads(json.dumps(found, default=str), object_hook=without_place)


def without_place(row: dict) -> dict:
    return {key: value for key, value in row.items() if key != "place"}


def test_the_page_is_what_the_schema_says():
    assert checked(ROOT).returncode == 0


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("matrix.schema.json", '"maximum": 1000}', '"maximum": 2000}'),
        ("matrix-reference.md", "1 to 1000", "1 to 2000"),
    ],
    ids=["schema", "page"],
)
def test_a_page_that_is_stale_is_refused(tmp_path, file, before, after):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/matrix-reference", tmp_path / "scripts")
    assert checked(tmp_path).returncode == 0
    path = tmp_path / "docs" / file
    path.write_text(path.read_text().replace(before, after, 1))
    refused = checked(tmp_path)
    assert refused.returncode == 1
    assert "run scripts/matrix-reference" in refused.stderr


def test_every_key_is_on_the_page():
    assert re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE) == list(keys.TOP)
    rows = set(re.findall(r"^\| `(?:NAME\.)?(\w+)` \|", PAGE, re.MULTILINE))
    parts = (keys.AXES, keys.EXCLUDE, keys.INCLUDE, keys.ALIAS, keys.OWN_SYSTEM, keys.PYTHON, keys.PACKAGES)
    assert rows == {"NAME"}.union(*parts, keys.USER, keys.VERIFY, keys.BUDGET)


@pytest.mark.parametrize("line", EXAMPLES, ids=lambda line: line[:40])
def test_an_example_is_what_parser_and_schema_take(line):
    document = BASE | yaml.safe_load(line)
    matrix.parse(json.dumps(document), Path("f.yaml"))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []


@pytest.mark.parametrize("written", DEFAULTS, ids=str)
def test_a_default_is_what_an_absent_key_means(written):
    assert read(BASE | written) == read(BASE)


def test_the_defaults_are_those_of_all_optional_keys():
    required = set(SCHEMA["required"])
    assert {name for written in DEFAULTS for name in written} == set(SCHEMA["properties"]) - required
