"""`envbuild cache`, and the bound that every run keeps to."""

from __future__ import annotations

import contextlib
import json
import os
import sys

import pytest
from layer_trees import file

from builder import engine as engines
from builder.cli import cache, main, running
from builder.errors import InputError
from builder.layer.cache import Layers
from builder.ports import Shared
from tests.screens.stand_ins import Engine


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A store with three layers of a megabyte and one file of it, used one day after the other."""
    monkeypatch.setenv("ENVBUILD_STORE", str(tmp_path))
    monkeypatch.delenv("ENVBUILD_CACHE_SIZE", raising=False)
    layers = Layers(root=tmp_path)
    for number in (1, 2, 3):
        layers.make(key(number), f"layer {number}", lambda n=number: [file("x", bytes([n]) * 10**6)])
        os.utime(layers.folder / "keys" / f"{key(number)}.json", (number * 86_400,) * 2)
    folder = tmp_path / "sha256/00" / ("0" * 64)
    folder.mkdir(parents=True)
    (folder / "torch.whl").write_bytes(b"x" * 10**6)
    return tmp_path


def key(number: int) -> str:
    return str(number) * 64


def left(root) -> set[str]:
    layers = Layers(root=root)
    return {str(number) for number in (1, 2, 3) if layers.find(key(number))}


@pytest.fixture
def typed(monkeypatch, capsys):
    def run(words):
        monkeypatch.setattr(sys, "argv", ["envbuild", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def test_what_is_there_is_listed_the_oldest_first(root, typed):
    code, out, err = typed("cache show")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == str(root)
    assert [line.split()[-1] for line in out.splitlines() if "layer " in line] == ["1", "2", "3"]
    assert "files: 1, 1.0 MB" in out
    said = json.loads(typed("cache show --json")[1])
    assert [layer["label"] for layer in said["layers"]] == ["layer 1", "layer 2", "layer 3"]
    assert said["files"][0]["name"] == "torch.whl"
    assert said["folder"] == str(root)


def test_bootstrapped_bases_count_unless_a_layer_has_the_same_bytes(root, typed):
    place = root / "bootstrap"
    place.mkdir()
    for name in ("bookworm-x86_64-0", "trixie-x86_64-0"):
        (place / f"{name}.tar").write_bytes(b"x" * 10**6)
        (place / f"{name}.sha256").write_text("0 1\n")
        (place / f"{name}.lock").touch()
    os.link(place / "trixie-x86_64-0.tar", root / "layers/blobs/linked.tar")
    sizes = {one["name"]: one["size"] for one in json.loads(typed("cache show --json")[1])["files"]}
    assert sizes == {"torch.whl": 10**6, "bookworm-x86_64-0.tar": 10**6, "trixie-x86_64-0.tar": 0}
    assert typed("cache prune --keep 0")[0] == 0
    assert not [*place.glob("bookworm*.tar"), *place.glob("bookworm*.sha256")]


def test_looking_makes_nothing(tmp_path, monkeypatch, typed):
    monkeypatch.setenv("ENVBUILD_STORE", str(tmp_path / "none"))
    assert typed("cache show")[0] == 0
    assert not (tmp_path / "none").exists()


def test_what_was_not_used_for_longest_goes_first(root, typed):
    code, out, err = typed("cache prune --keep 2.5MB")
    assert (code, out) == (0, "")
    assert err == "1.0 MB freed\n"
    assert left(root) == {"2", "3"}
    assert list(root.glob("sha256/*/*/torch.whl"))


def test_nothing_may_stay(root, typed):
    assert typed("cache prune --keep 0")[2] == "4.0 MB freed\n"
    assert left(root) == set()
    assert not list(root.glob("sha256/*/*/torch.whl"))


def test_what_a_living_run_holds_stays(root, typed):
    with Layers(root=root).using(key(1)):
        typed("cache prune --keep 0")
        assert left(root) == {"1"}


def test_the_bound_is_the_environment_s_else_fifty_gigabytes(root, typed, monkeypatch):
    assert cache.bound() == 50 * 10**9
    assert typed("cache prune")[2] == "0.0 MB freed\n"
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", "2.5MB")
    assert typed("cache prune")[2] == "1.0 MB freed\n"
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", "")
    assert cache.bound() == 50 * 10**9


@pytest.mark.parametrize("text", ["many", "20", "-1GB", "0", "0GB", "20 gb", "1e3GB"])
def test_a_bound_that_cannot_be_read_is_told(root, typed, monkeypatch, text):
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", text)
    with pytest.raises(InputError, match="ENVBUILD_CACHE_SIZE"):
        cache.bound()
    code, _, err = typed("cache prune")
    assert code == 2
    assert err.startswith("error: ENVBUILD_CACHE_SIZE: ")
    assert "hint: " in err
    assert left(root) == {"1", "2", "3"}


@pytest.fixture
def engine(monkeypatch):
    """An engine for `running.ports` to connect to."""
    found = Engine()
    found.opened = 0

    def connect(address):
        found.opened += 1
        return found

    monkeypatch.setattr(engines, "connect", connect)
    return found


def test_a_run_ends_within_the_bound(root, engine, monkeypatch):
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", "1.5MB")
    with running.ports(None) as outside:
        outside.checked(key(1))  # used now
    assert left(root) == {"1"}


def test_a_run_does_not_begin_with_a_bound_that_cannot_be_read(root, engine, monkeypatch):
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", "many")
    with pytest.raises(InputError), running.ports(None):
        pytest.fail("it began")
    assert engine.opened == 0


def test_a_run_that_fails_throws_nothing_away(root, engine, monkeypatch):
    monkeypatch.setenv("ENVBUILD_CACHE_SIZE", "1KB")
    with contextlib.suppress(RuntimeError), running.ports(None):
        raise RuntimeError
    assert left(root) == {"1", "2", "3"}


def test_the_end_of_a_run_stops_and_waits_for_what_a_failed_cell_left_under_way(root, engine, monkeypatch):
    seen = []
    monkeypatch.setattr(Shared, "settle", lambda self: seen.append(("settled", outside.cancel.is_set())))
    monkeypatch.setattr(engine, "close", lambda: seen.append("closed"))
    with running.ports(None) as outside:
        pass
    assert seen == [("settled", True), "closed"]
