"""The verifier as a file: packed alike every time, readable by Python 3.6, honest about a missing torch."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from inside_faults.harness import NONCE, start, without_torch

from builder.bundle import FOLDER, bundle, bundle_digest, listed

SOURCES = sorted(FOLDER.glob("*.py"))
OLD_PYTHONS = sorted(Path("~/.pyenv/versions").expanduser().glob("3.[6-9].*/bin/python"))


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "verify.pyz"
    path.write_bytes(bundle())
    return path


def call(program, *words, python=sys.executable):
    return subprocess.run(
        [python, str(program), *words], capture_output=True, text=True, timeout=60, check=False
    )


def config(**changes):
    return {"nonce": NONCE, "level": "static", "epochs": 10, "claim": None, "gpu": False, **changes}


def test_the_same_bytes_every_time_and_from_a_copy_of_another_age(tmp_path, monkeypatch):
    first = bundle()
    for source in SOURCES:
        copy = tmp_path / source.name
        copy.write_bytes(source.read_bytes())
        os.utime(copy, (10**9, 10**9))
        copy.chmod(0o600)
    monkeypatch.setattr("builder.bundle.FOLDER", tmp_path)
    assert bundle() == first
    assert len(bundle_digest()) == 64


def test_a_changed_module_changes_the_digest(tmp_path, monkeypatch):
    first = bundle_digest()
    for source in SOURCES:
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "golden.py").write_text("CURVE = ()\n")
    monkeypatch.setattr("builder.bundle.FOLDER", tmp_path)
    assert bundle_digest() != first


def test_nothing_in_it_is_compressed_or_dated():
    with zipfile.ZipFile(BytesIO(bundle())) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_python_3_6_can_read_every_module(source):
    text = source.read_text(encoding="ascii")
    ast.parse(text, str(source), feature_version=(3, 6))


def imported(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, source
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_only_the_standard_library_and_torch_are_imported(source):
    assert set(imported(source)) <= set(sys.stdlib_module_names) | {"inside", "torch"}


def test_torch_is_imported_by_no_module_that_is_read_at_the_start():
    for source in SOURCES:
        top = [
            node
            for node in ast.parse(source.read_text()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = {
            name.name.partition(".")[0] for node in top if isinstance(node, ast.Import) for name in node.names
        }
        assert "torch" not in names, source


@pytest.mark.parametrize("level", ["static", "basic", "deep"])
def test_it_lists_its_checks(level):
    rows = listed(level)
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.title and row.id == row.id.lower() for row in rows)
    reach = ("static", "basic", "deep")[: ("static", "basic", "deep").index(level) + 1]
    assert {row.level for row in rows} == set(reach)


def test_levels_contain_one_another():
    static, basic, deep = ({row.id for row in listed(level)} for level in ("static", "basic", "deep"))
    assert static < basic < deep
    assert {"train.curve", "save.load", "quantize.dynamic", "parallel.ddp", "numpy.bridge"} <= basic
    assert "compile" in deep - basic


def broken_somewhere():
    """The checks that some test breaks and sees fail (or warn, or for a mounted folder: give up)."""
    from test_inside_claims import CASES as CLAIMS
    from test_inside_work import CASES as WORK

    yield from (case.id for case in (*CLAIMS, *WORK) if case.status in ("fail", "warn"))
    text = (Path(__file__).parent / "test_inside_claims.py").read_text()
    yield from re.findall(r'lone\(tmp_path, "([a-z.]+)", "(?:fail|warn)"', text)
    yield "companions"  # test_a_broken_companion_is_seen
    yield "data.mnist"  # test_mnist_that_is_cut_off_is_seen


def test_every_check_is_broken_by_a_test():
    assert {row.id for row in listed("deep")} - set(broken_somewhere()) == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage"),
        (["--list", "thorough"], "no level 'thorough'"),
        (["/nowhere.json"], "cannot read"),
        (["a", "b"], "usage"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(program, words, said):
    ended = call(program, *words)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonce": ""}, "nonce"),
        ({"nonce": "a b"}, "nonce"),
        ({"level": "thorough"}, "level must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"epochs": "10"}, "epochs must be"),
        ({"only": ["train.curve", "no.such"]}, "no check is called no.such"),
    ],
)
def test_a_wrong_configuration_is_told_and_ends_with_2(tmp_path, changes, said):
    ended = start(tmp_path, config(**changes), without_torch())
    assert ended.code == 2
    assert said in ended.stderr
    assert ended.records == ()


def absent(tmp_path, python):
    """Run where torch is not installed."""
    return start(
        tmp_path, config(level="deep"), python, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    )


def test_without_torch_that_check_fails_and_the_others_say_why(tmp_path):
    ended = absent(tmp_path, without_torch())
    assert ended.code == 1
    assert ended.check("torch.import")["status"] == "fail"
    for name in (
        "train.curve",
        "save.load",
        "quantize.dynamic",
        "parallel.ddp",
        "numpy.bridge",
        "torch.version",
    ):
        assert ended.check(name)["status"] == "error", name
        assert "torch does not import" in ended.check(name)["reason"]
    assert ended.check("libs.resolve")["reason"] == "torch is not installed"
    assert ended.of("summary")[0]["complete"] is True
    assert ended.of("summary")[0]["checks"] == len(ended.checks) == len(listed("deep"))


@pytest.mark.parametrize("python", OLD_PYTHONS, ids=lambda path: path.parts[-3])
def test_it_runs_on_old_pythons(tmp_path, python):
    ended = absent(tmp_path, str(python))
    assert ended.code == 1, ended.stderr
    assert ended.of("summary")[0]["complete"] is True
    unexpected = [
        check
        for check in ended.checks.values()
        if check["status"] == "error" and not check["reason"].startswith("torch does not import")
    ]
    assert unexpected == []


def test_the_records_are_ascii_lines_with_the_nonce(tmp_path):
    ended = start(tmp_path, config(only=["os.release", "pip.check"]), without_torch())
    lines = ended.stdout.splitlines()
    assert len(lines) == len(ended.records)
    assert ended.stdout.isascii()
    assert [record["record"] for record in ended.records] == [
        "begin", "start", "check", "start", "check", "environment", "summary",
    ]  # fmt: skip
    assert ended.records[0]["schema"] == "envbuild.verify/1"
    assert json.loads(lines[-1].split(" ", 2)[2])["counts"].keys() == {
        "pass",
        "warn",
        "fail",
        "error",
        "skip",
    }
