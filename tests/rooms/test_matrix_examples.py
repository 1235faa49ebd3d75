"""The matrices that ship, the guide's example and the published schema: they agree with the parser."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from builder import cell, facts, matrix, yamldoc
from builder.errors import InputError
from builder.matrix import keys, surroundings
from builder.matrix.storage import STORAGE

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/matrix.schema.json").read_text())
GUIDE = (ROOT / "docs/matrix.md").read_text()
MATRICES = sorted((ROOT / "matrices").glob("*.yaml"))
BASE = {
    "version": "1",
    "image": "team/torch",
    "matrix": {"os": ["debian12"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.8"]},
}


def example() -> str:
    (found,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    return found


def complaints(document: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def refused(document: dict) -> bool:
    """Whether the parser refuses it; JSON is YAML."""
    try:
        matrix.parse(json.dumps(document), Path("f.yaml"))
    except InputError:
        return True
    return False


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.name)
def test_each_matrix_fits_the_schema(path):
    assert complaints(yamldoc.read_table(path)) == []


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.name)
def test_each_matrix_plans_without_a_refusal(path):
    read = matrix.load(path)
    cells = cell.expand(read, facts.load())
    assert cell.refusals(cells, read) == ()
    assert all(found.selected or found.status == "excluded" for found in cells)
    assert all(found.reasons[0].message for found in cells if found.status == "excluded")


def test_the_matrices_are_those_that_the_project_promises():
    found = {path.stem: [c.id for c in selected(path)] for path in MATRICES}
    assert found["quickstart"] == ["debian12-py3.11-cpu-torch2.13.0"]
    assert found["cuda"] == ["debian12-py3.11-cu132-torch2.15.0"]
    assert sorted(found["debian"]) == [f"debian{n}-py3.11-cpu-torch2.13.0" for n in (11, 12, 13)]
    assert {"centos7-py3.9-cpu-torch2.6.0", "ubuntu18.04-py3.9-cpu-torch1.13.1"} <= set(found["legacy"])
    assert len(found["team"]) == 36
    assert {"gpu", "gpu-devel"} <= set(found)


def selected(path: Path) -> list[cell.Cell]:
    return [found for found in cell.expand(matrix.load(path), facts.load()) if found.selected]


def test_the_quickstart_and_debian_matrices_use_debian_s_own_python():
    found = [*selected(ROOT / "matrices/quickstart.yaml"), *selected(ROOT / "matrices/debian.yaml")]
    providers = {(c.os, c.provider) for c in found}
    assert providers == {("debian12", "system"), ("debian11", "standalone"), ("debian13", "standalone")}


def test_the_guide_s_example_is_read_and_uses_every_key(tmp_path):
    path = tmp_path / "example.yaml"
    path.write_text(example())
    matrix.load(path)
    table = yamldoc.read_table(path)
    assert complaints(table) == []
    assert set(table) == set(keys.TOP)
    assert set(table["include"][0]) == set(keys.INCLUDE)
    assert set(table["verify"]) == set(keys.VERIFY)
    read = matrix.load(path)
    assert cell.refusals(cell.expand(read, facts.load()), read) == ()


def test_the_guide_names_what_settings_may_not_be():
    table = GUIDE.partition("Reserved names")[2].partition("###")[0]
    for name in re.findall(r"`…?([A-Z_]+)\*?`", table):
        with pytest.raises(Exception, match=r"reserved|secret"):
            surroundings.setting_name(
                f"X{name}" if name.startswith("_") else f"{name}X" if name[-1] == "_" else name
            )


def test_the_schema_has_the_parser_s_keys():
    parts = SCHEMA["properties"]
    assert tuple(parts) == keys.TOP
    assert tuple(parts["matrix"]["properties"]) == keys.AXES
    assert tuple(parts["exclude"]["items"]["properties"]) == keys.EXCLUDE
    assert tuple(parts["include"]["items"]["properties"]) == keys.INCLUDE
    assert tuple(parts["aliases"]["items"]["anyOf"][1]["properties"]) == keys.ALIAS
    assert tuple(parts["systems"]["additionalProperties"]["properties"]) == keys.OWN_SYSTEM
    for name, known in (
        ("python", keys.PYTHON),
        ("packages", keys.PACKAGES),
        ("user", keys.USER),
        ("verify", keys.VERIFY),
        ("budget", keys.BUDGET),
    ):
        assert tuple(parts[name]["properties"]) == known
        assert parts[name]["additionalProperties"] is False


@pytest.mark.parametrize(
    "extra",
    [
        {"flavor": "devel"},
        {"base": "bootstrap", "platform": "linux/arm64", "impossible": "drop"},
        {"tags": ["{os}-{torch}"], "user": {"name": "ada", "uid": 1005}, "budget": {"size": "3GB"}},
        {"settings": {"A": "b c", "_x": ""}, "packages": {"pip": ["numpy>=1"], "system": ["g++"]}},
        {
            "verify": {
                "level": "deep",
                "epochs": 3,
                "gpus": ["8.6", "sm_90"],
                "memory": "4GB",
                "timeout": "10m",
            }
        },
        {"settings": {"TORCH_HOME": "/models", "HF_HOME": "/a b/.hf", "DATA": "relative/../x"}},
        {"exclude": [{"torch": "2.8", "reason": "x"}], "include": []},
        {"aliases": ["latest", {"tag": "{os}-{cuda}", "python": ">=3.9", "cuda": "cpu"}]},
    ],
)
def test_schema_and_parser_accept_the_same(extra):
    assert complaints(BASE | extra) == []
    assert not refused(BASE | extra)


@pytest.mark.parametrize(
    "extra",
    [
        {"foo": "1"},
        {"version": "2"},
        {"image": "Team/Torch"},
        {"image": "team/torch:1"},
        {"tags": []},
        {"tags": ["{x}"]},
        {"tags": ["a:b"]},
        {"aliases": ["a:b"]},
        {"aliases": [{"os": "debian12"}]},
        {"aliases": [{"tag": "x", "gpu": "no"}]},
        {"matrix": {"os": ["debian12"]}},
        {"matrix": BASE["matrix"] | {"cuda": []}},
        {"matrix": BASE["matrix"] | {"cuda": ["cpu", "cpu"]}},
        {"matrix": BASE["matrix"] | {"python": ["2.7"]}},
        {"matrix": BASE["matrix"] | {"torch": ["latest"]}},
        {"exclude": [{"reason": "x"}]},
        {"exclude": [{"foo": "x"}]},
        {"include": [{"os": "debian12"}]},
        {"impossible": "no"},
        {"python": "system"},
        {"python": {"provider": "apt"}},
        {"packages": {"npm": []}},
        {"packages": {"pip": ["x @ https://h/x-1-py3-none-any.whl"]}},
        {"packages": {"system": ["-y"]}},
        {"settings": {"A-B": "1"}},
        {"settings": {"A": "$B"}},
        {"settings": {"TORCH_HOME": "models"}},
        {"settings": {"TORCH_HOME": "/a/../b"}},
        {"settings": {"TORCH_HOME": "/"}},
        {"settings": {"HF_HOME": ""}},
        {"user": {"name": "root"}},
        {"user": {"uid": 0}},
        {"user": {"uid": 999}},
        {"user": {"uid": "60001"}},
        {"verify": {"level": "full"}},
        {"verify": {"memory": "4"}},
        {"verify": {"gpus": ["RTX"]}},
        {"verify": {"timeout": "1d"}},
        {"budget": {"size": 3}},
        {"flavor": None},
    ],
)
def test_schema_and_parser_refuse_the_same(extra):
    assert complaints(BASE | extra)
    assert refused(BASE | extra)


def test_schema_knows_every_setting_that_names_a_folder():
    (pattern,) = SCHEMA["properties"]["settings"]["patternProperties"]
    assert set(pattern.removeprefix("^(?:").removesuffix(")$").split("|")) == STORAGE
