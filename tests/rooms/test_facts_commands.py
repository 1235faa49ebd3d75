"""`envbuild facts check` and `refresh` as they are typed, against an index on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from facts_index import ROWS, Index, add_torch, like_the_tables
from source_orders import bare_machine
from source_server import SECRET, USER, Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
OUT = ("--pytorch-index", "http://127.0.0.1:9/whl", "--release-matrix", "http://127.0.0.1:9/RELEASE.md")


@pytest.fixture(scope="module")
def same():
    with Server() as server:
        index = like_the_tables(server)
        index.publish()
        yield index


@pytest.fixture(scope="module")
def scraped():
    """An index that claims Python 3.13 for all old releases."""
    with Server() as server:
        index = like_the_tables(server)
        for release, row in ROWS.items():
            if row["released"] < "2024-10":
                tag = "cp313-cp313-manylinux1_x86_64"
                add_torch(index, release, tag, "2025-07-01", cuda=row["default_cuda"]["x86_64"])
        index.publish()
        yield index


class Typed:
    """Types into envbuild, on a machine that has no settings but an index and an overlay's place."""

    def __init__(self, tmp_path: Path, index: str, **env: str) -> None:
        self.overlay = tmp_path / "data" / "facts.yaml"
        own = {"PIP_INDEX_URL": index, "ENVBUILD_FACTS": str(self.overlay), "PYTHONPATH": str(ROOT)}
        self.env = {**bare_machine(tmp_path), **own, **env}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        code = "from builder.source import reader; reader.ATTEMPTS = 1; from builder.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "facts", *words],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )


def simple(index: Index) -> str:
    return f"{index.server.url}/simple"


def test_check_ends_with_0_where_nothing_differs_and_tells_what_is_unknown(tmp_path, same) -> None:
    ran = Typed(tmp_path, simple(same))("check", *OUT)
    assert (ran.returncode, ran.stderr.count("\n")) == (0, 1)
    assert f"no difference between the tables and 42 releases of torch on {simple(same)}" in ran.stdout
    assert "builds on PyTorch's index: http://127.0.0.1:9/whl/torch/ could not be read" in ran.stdout


def test_refresh_writes_the_overlay_and_the_other_commands_read_it(tmp_path, same) -> None:
    envbuild = Typed(tmp_path, simple(same))
    ran = envbuild("refresh", "--json", *OUT)
    assert ran.returncode == 0
    told = json.loads(ran.stdout)
    assert (told["written"], told["read"]) == (str(envbuild.overlay), ["torch"])
    assert (
        "note: builds: not all could be read on PyTorch's index; its day of verification stays" in ran.stderr
    )
    shown = envbuild("show")
    assert (shown.returncode, f"overlay: {envbuild.overlay}" in shown.stdout) == (0, True)
    assert [path.name for path in envbuild.overlay.parent.iterdir()] == ["facts.yaml"]


def test_a_scrape_that_is_wrong_is_refused_and_nothing_is_written(tmp_path, scraped) -> None:
    envbuild = Typed(tmp_path, simple(scraped))
    ran = envbuild("refresh", *OUT)
    assert ran.returncode == 1
    assert ran.stdout.count("gets Python 3.13 now") == 26
    assert "nothing was written" in ran.stderr
    assert "--accept torch2.4.1:python" in ran.stderr
    assert not envbuild.overlay.exists()
    checked = envbuild("check", "--json", *OUT)
    assert checked.returncode == 1
    named = {one["name"] for one in json.loads(checked.stdout)["differences"] if one["suspicious"]}
    assert len({name for name in named if name.endswith(":python")}) == 26


def test_what_is_taken_by_name_does_not_let_the_rest_through(tmp_path, scraped) -> None:
    envbuild = Typed(tmp_path, simple(scraped))
    assert envbuild("refresh", "--accept", "torch2.4.1:python", *OUT).returncode == 1
    assert not envbuild.overlay.exists()
    wrong = envbuild("refresh", "--accept", "torch2.4.1:pyton", *OUT)
    assert wrong.returncode == 2
    assert "did you mean torch2.4.1:python?" in wrong.stderr


def test_all_that_is_suspicious_is_written_when_each_is_taken_by_name(tmp_path, scraped) -> None:
    envbuild = Typed(tmp_path, simple(scraped))
    found = json.loads(envbuild("check", "--json", *OUT).stdout)["differences"]
    names = [word for one in found if one["suspicious"] for word in ("--accept", one["name"])]
    assert envbuild("refresh", *names, *OUT).returncode == 0
    assert envbuild("check", *OUT).returncode == 0, "the tables with the overlay say what the index says"


@pytest.mark.parametrize(
    ("env", "told"),
    [
        (
            {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"},
            "http://127.0.0.1:9/simple/torch/ could not be read",
        ),
        ({"ENVBUILD_OFFLINE": "1"}, "offline, no index can be asked"),
        ({"PIP_NO_INDEX": "1"}, "pip's settings say no-index"),
    ],
)
def test_without_an_index_the_outside_failed(tmp_path, same, env, told: str) -> None:
    ran = Typed(tmp_path, simple(same), **env)("check", *OUT)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert told in ran.stderr
    assert "hint: " in ran.stderr


def test_a_login_of_the_index_is_used_and_shown_nowhere(tmp_path) -> None:
    with Server(auth=True) as server:
        index = like_the_tables(server)
        index.pages["torch"] = {
            n: row for n, row in index.pages["torch"].items() if n.startswith("torch-2.15")
        }
        index.publish()
        envbuild = Typed(tmp_path, f"{server.url_with_secret}/simple")
        ran = envbuild("check", "--json", *OUT)
    assert ran.returncode == 1
    assert "torch2.15.0:python" not in ran.stdout
    assert USER not in ran.stdout + ran.stderr
    assert SECRET not in ran.stdout + ran.stderr


def test_a_wrong_overlay_is_told_before_any_index_is_asked(tmp_path, same) -> None:
    envbuild = Typed(tmp_path, simple(same))
    envbuild.overlay.parent.mkdir()
    envbuild.overlay.write_text("torhc: {}\n")
    ran = envbuild("refresh", *OUT)
    assert ran.returncode == 2
    assert f"{envbuild.overlay}:1:1: error: 'torhc' is no table" in ran.stderr
    assert envbuild.overlay.read_text() == "torhc: {}\n"
