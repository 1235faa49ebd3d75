"""`envbuild lock` and `envbuild fetch`, as they are typed."""

import contextlib
import json
import os
import sys

import pytest
from lock_outside import DEBIAN12, DEBIAN13, MATRIX, Source, body, local_paths, ports, versions

from builder import lock, source
from builder.cli import main, running


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder with a matrix, and a source; `opened` counts how often an engine was looked for."""

    class Machine:
        source = Source(tmp_path)
        opened = 0

    @contextlib.contextmanager
    def opened(engine, *_):
        Machine.opened += 1
        yield ports(tmp_path, source=Machine.source)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "ports", opened)
    monkeypatch.setattr(source, "open_source", lambda **_: Machine.source)
    for name in ("ENVBUILD_OFFLINE", "ENVBUILD_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "m.yaml").write_text(MATRIX)
    return Machine


@pytest.fixture
def typed(machine, monkeypatch, capsys):
    def run(words):
        monkeypatch.setattr(sys, "argv", ["envbuild", *words.split()])
        before = dict(os.environ)
        with pytest.raises(SystemExit) as ended:
            main()
        os.environ.clear()
        os.environ.update(before)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return ended.value.code, shown.out, shown.err

    return run


def test_a_lock_is_written_and_then_good(tmp_path, machine, typed):
    code, out, err = typed("lock m.yaml")
    assert (code, out) == (0, "")
    assert "m.lock.json: 2 cells, 5 files" in err
    assert typed("lock m.yaml --check") == (0, "", "")
    assert machine.opened == 1
    code, _, err = typed("lock m.yaml")
    assert (code, machine.opened) == (0, 1)
    assert "nothing changed" in err
    assert local_paths((tmp_path / "m.lock.json").read_text()) == []


def test_a_missing_or_stale_lock_fails_the_check_without_asking_anybody(tmp_path, machine, typed):
    code, _, err = typed("lock m.yaml --check")
    assert (code, machine.opened) == (2, 0)
    assert "m.lock.json is missing" in err
    assert "hint: `envbuild lock m.yaml` makes it" in err
    typed("lock m.yaml")
    (tmp_path / "m.yaml").write_text(MATRIX.replace("[numpy]", "[numpy, pillow]"))
    code, _, err = typed("lock m.yaml --check")
    assert (code, machine.opened) == (2, 1)
    assert f"{DEBIAN12}, {DEBIAN13} are not what they were: the matrix has changed" in err
    (tmp_path / "m.lock.json").write_text("{")
    code, _, err = typed("lock m.yaml --check")
    assert code == 2
    assert "m.lock.json:1:2: error: the lock cannot be used: it is no JSON" in err


def test_a_broken_lock_is_made_anew(tmp_path, typed):
    (tmp_path / "m.lock.json").write_text("{")
    code, _, err = typed("lock m.yaml")
    assert code == 0
    assert "made anew" in err
    assert lock.read(tmp_path / "m.lock.json") is not None


def test_upgrades_are_shown_and_can_be_looked_at_first(tmp_path, machine, typed):
    typed("lock m.yaml")
    before = (tmp_path / "m.lock.json").read_text()
    machine.source.newest = {"numpy": "9.9"}
    code, out, _ = typed("lock m.yaml --upgrade numpy --diff --check")
    assert (code, out) == (2, f"{DEBIAN12}, {DEBIAN13}\n  numpy 2.3.1 → 9.9\n")
    assert (tmp_path / "m.lock.json").read_text() == before
    code, again, _ = typed("lock m.yaml --upgrade numpy --diff")
    assert (code, again) == (0, out)
    assert (tmp_path / "m.lock.json").read_text() != before
    assert typed("lock m.yaml --diff --check")[:2] == (0, "")


def test_part_of_a_matrix_is_locked(tmp_path, typed):
    assert typed(f"lock m.yaml --only {DEBIAN12}")[0] == 0
    assert [cell.id for cell in lock.read(tmp_path / "m.lock.json").cells] == [DEBIAN12]
    assert typed(f"lock m.yaml --only {DEBIAN12} --check")[0] == 0
    code, _, err = typed("lock m.yaml --check")
    assert code == 2
    assert f"{DEBIAN13} is not in it" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("lock m.yaml numpy", "write --upgrade numpy"),
        ("lock m.yaml --upgrade nmpy", "did you mean numpy?"),
        ("lock m.yaml --check --upgrade", "with --diff it shows"),
        ("fetch m.yaml", "envbuild fetch needs --to"),
        ("lock m.yaml --mirror nowhere", "does not exist"),
    ],
)
def test_wrong_words_are_told_with_a_way_out(typed, words, told):
    typed("lock m.yaml")
    code, _, err = typed(words)
    assert code == 2
    assert told in err
    assert "hint: " in err


def test_without_a_lock_there_is_nothing_to_upgrade_and_that_is_told_first(tmp_path, machine, typed):
    code, _, err = typed("lock m.yaml --upgrade nmpy")
    assert (code, machine.opened, machine.source.orders) == (2, 0, [])
    assert "error: m.lock.json is missing\n    hint: `envbuild lock m.yaml` makes it" in err
    (tmp_path / "m.lock.json").write_text("{")
    code, _, err = typed("lock m.yaml --upgrade numpy")
    assert (code, machine.opened) == (2, 0)
    assert "it is no JSON" in err


def without_numpy(path):
    found = body(path.read_text())
    for row in found["environments"].values():
        row["wheels"] = [sha256 for sha256 in row["wheels"] if found["files"][sha256]["name"] != "numpy"]
    path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize("words", ["lock m.yaml --check", "lock m.yaml --check --diff", "build m.yaml"])
def test_a_lock_from_which_a_wheel_was_taken_is_refused(tmp_path, machine, typed, words):
    typed("lock m.yaml")
    without_numpy(tmp_path / "m.lock.json")
    code, _, err = typed(words)
    assert (code, machine.opened) == (2, 1)
    assert "m.lock.json cannot be used: it is not what envbuild wrote, but was edited or merged" in err
    assert "hint: `envbuild lock m.yaml` makes it anew, and keeps the versions of its wheels" in err


def test_an_edited_lock_is_made_anew_with_the_versions_that_it_has(tmp_path, machine, typed):
    machine.source.newest = {"numpy": "2.3.1", "sympy": "1.0"}
    typed("lock m.yaml")
    made = lock.read(tmp_path / "m.lock.json")
    without_numpy(tmp_path / "m.lock.json")
    machine.source.newest = {"numpy": "9.9", "sympy": "9.9"}
    code, out, err = typed("lock m.yaml --diff")
    assert (code, out) == (0, f"{DEBIAN12}, {DEBIAN13}\n  numpy none → 9.9\n")
    assert "but was edited or merged from two: made anew, with the versions of its wheels" in err
    again = lock.read(tmp_path / "m.lock.json")
    assert versions(again, DEBIAN12) == {**versions(made, DEBIAN12), "numpy": "9.9"}
    assert (again.bases, again.systems) == (made.bases, made.systems)
    assert typed("lock m.yaml --check") == (0, "", "")


def test_what_would_be_built_of_a_stale_lock_is_not_told(tmp_path, typed):
    typed("lock m.yaml")
    assert typed("build m.yaml --dry-run")[0] == 0
    (tmp_path / "m.yaml").write_text(MATRIX.replace("[numpy]", "[numpy, pillow]"))
    code, out, err = typed("build m.yaml --dry-run")
    assert (code, out) == (2, "")
    assert "m.lock.json is stale" in err


def test_every_address_is_listed(typed):
    code, out, _ = typed("lock m.yaml --list-urls")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == ["image"] * 2 + ["package"] * 2 + ["python"] + ["wheel"] * 2
    assert all("sha256:" in line for line in lines)
    assert typed("lock m.yaml --check")[0] == 2  # nothing was written


def test_an_engine_is_looked_for_only_where_one_is_asked(tmp_path, machine, typed):
    typed("lock m.yaml")
    assert machine.opened == 1
    machine.source.newest = {"numpy": "9.9"}
    assert typed("lock m.yaml --upgrade numpy")[0] == 0
    (tmp_path / "m.yaml").write_text(MATRIX.replace("[numpy]", "[numpy, pillow]"))
    assert typed("lock m.yaml --offline")[0] == 0
    assert versions(lock.read(tmp_path / "m.lock.json"), DEBIAN12)["numpy"] == "9.9"
    assert machine.opened == 1
    (tmp_path / "m.yaml").write_text(MATRIX.replace("debian13", "debian11"))
    assert typed("lock m.yaml")[0] == 0
    assert machine.opened == 2


def test_offline_a_new_package_is_named(tmp_path, machine, typed):
    typed("lock m.yaml")
    (tmp_path / "m.yaml").write_text(MATRIX.replace("[numpy]", "[numpy], system: [curl]"))
    orders = len(machine.source.orders)
    code, _, err = typed("lock m.yaml --offline")
    assert (code, machine.opened, len(machine.source.orders)) == (4, 1, orders)
    assert "offline, nobody tells what curl is on debian:12\n" in err


def test_offline_is_told_what_is_missing(typed):
    code, _, err = typed("lock m.yaml --offline")
    assert code == 4
    assert "offline, nobody tells what debian:12 and its packages are" in err


def test_fetch_wants_a_good_lock_and_fills_the_folder(tmp_path, machine, typed):
    code, _, err = typed("fetch m.yaml --to mirror")
    assert (code, machine.opened) == (2, 0)
    assert "m.lock.json is missing" in err
    typed("lock m.yaml")
    machine.source.base_layers = lambda layers: (machine.source.bootstrap("debian12", "bookworm"),)
    code, out, err = typed("fetch m.yaml --to mirror")
    assert (code, out) == (0, "mirror\n")
    assert "mirror: 7 files, 7 of them new" in err
