"""`envbuild lock` and `envbuild fetch`, as they are typed."""

import contextlib
import os
import sys

import pytest
from lock_outside import DEBIAN12, DEBIAN13, MATRIX, Source, local_paths, ports

from builder import lock
from builder.cli import main, running


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder with a matrix, and a source; `opened` counts how often the outside was asked for."""

    class Machine:
        source = Source(tmp_path)
        opened = 0

    @contextlib.contextmanager
    def opened(engine, *_):
        Machine.opened += 1
        yield ports(tmp_path, source=Machine.source)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "ports", opened)
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
    assert f"{DEBIAN12}, {DEBIAN13} are not what they were: the matrix, a table or a template has" in err
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


def test_a_name_that_nothing_has_is_told_without_a_lock_too(tmp_path, typed):
    code, _, err = typed("lock m.yaml --upgrade nmpy")
    assert code == 2
    assert "did you mean numpy?" in err
    assert not (tmp_path / "m.lock.json").exists()


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
