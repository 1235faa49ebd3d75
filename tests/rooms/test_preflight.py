"""What the outside has of a plan's inputs: asked once each, and what could not be asked is unknown."""

import threading
from dataclasses import replace

import pytest
from registry_server import serve
from source_orders import bare_machine, only, order
from source_server import Server, wheel

from builder import preflight
from builder.cli import selection
from builder.errors import CellError, NotAskedError, OutsideError
from builder.preflight import Input
from builder.registry import hasty
from builder.remembered import Remembered
from builder.source.host import HostSource
from tests.screens.stand_in_source import Store

TEXT = """\
version: 1
image: example.com/t
matrix: {os: [debian12, ubuntu24.04], python: ["3.12"], cuda: [cpu], torch: ["2.8", "2.7"]}
packages: {pip: [numpy]}
"""


@pytest.fixture
def recipes(tmp_path):
    (tmp_path / "m.yaml").write_text(TEXT)
    return selection.select(tmp_path / "m.yaml").recipes()


def fresh(folder, now=lambda: 1000.0):
    return Remembered(folder / "remembered.json", now)


def found(looked, what):
    return {cell: tuple(one.found for one in inputs if one.what == what) for cell, inputs in looked.items()}


def test_what_several_cells_need_is_asked_once(recipes, tmp_path):
    asked, lock = [], threading.Lock()

    def note(one):
        with lock:
            asked.append(one)
        return "sha256:1"

    looked = preflight.look(recipes, "auto", Store(tmp_path, on_resolve=note), note, fresh(tmp_path))
    assert set(looked) == {recipe.cell.id for recipe in recipes}
    assert len(asked) == 2 + len({recipe.order for recipe in recipes})
    assert found(looked, "base") == dict.fromkeys(looked, ("there",))
    assert found(looked, "wheels") == dict.fromkeys(looked, ("there",))
    assert found(looked, "python") == dict.fromkeys(looked, ("there",))


def test_a_base_that_is_made_here_is_asked_of_nobody(recipes, tmp_path):
    looked = preflight.look(recipes, "bootstrap", Store(tmp_path), pytest.fail, fresh(tmp_path))
    assert found(looked, "base") == dict.fromkeys(looked, ())


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (CellError.of("no such wheel"), "missing"),
        (OutsideError.of("nobody answers"), "unknown"),
        (NotAskedError.of("no such wheel", hint="PyTorch's index does not answer"), "unknown"),
    ],
)
def test_only_who_answered_makes_it_missing(recipes, tmp_path, error, state):
    def fail(order):
        raise error

    looked = preflight.look(
        recipes, "auto", Store(tmp_path, on_resolve=fail), lambda reference: None, fresh(tmp_path)
    )
    assert found(looked, "wheels") == dict.fromkeys(looked, (state,))
    assert found(looked, "base") == dict.fromkeys(looked, ("missing",))
    assert found(looked, "python") == dict.fromkeys(looked, ("there",))  # neither hides the other
    assert all(one.note for inputs in looked.values() for one in inputs)


def test_a_registry_is_asked_once_and_says_what_it_has():
    with serve() as server:
        registry = hasty(server.host)
        assert registry.manifest("team/none", "1") is None
        registry.close()
        host = server.host
    gone = hasty(host)
    with pytest.raises(OutsideError, match="failed"):  # at once: `connect` would try for seconds
        gone.manifest("team/none", "1")
    gone.close()


def test_wheels_of_a_real_index_are_there_or_not(tmp_path):
    with Server() as index:
        index.publish(*wheel("tiny", "1.0"))
        source = HostSource(root=tmp_path / "store", env=only(bare_machine(tmp_path), index))
        asked = replace(order("tiny==1.0"), standalone=False)
        (there,) = preflight._order(asked, source, fresh(tmp_path))
        assert there == Input(what="wheels", name=there.name, found="there", note="1 wheel")
        (missing,) = preflight._order(replace(asked, requirements=("tiny==2.0",)), source, fresh(tmp_path))
    assert missing.found in ("missing", "unknown")
    assert "2.0" in missing.note


def test_what_is_there_is_not_asked_again_within_the_hour(recipes, tmp_path):
    asked = []

    def note(one):
        asked.append(one)
        return "sha256:1"

    def look(minutes):
        store = Store(tmp_path, on_resolve=note)
        return preflight.look(recipes, "auto", store, note, fresh(tmp_path, lambda: 1000.0 + 60 * minutes))

    look(0)
    first = len(asked)
    again = look(12)
    assert len(asked) == first
    notes = [one.note for inputs in again.values() for one in inputs]
    assert all(note.endswith("(asked 12 min ago)") for note in notes)
    look(61)
    assert len(asked) == 2 * first


@pytest.mark.parametrize("answer", [None, OutsideError.of("nobody")])
def test_what_is_missing_or_unknown_is_asked_again(recipes, tmp_path, answer):
    asked = []

    def digest(one):
        asked.append(one)
        if answer is not None:
            raise answer

    for _ in range(2):
        preflight.look(recipes, "auto", Store(tmp_path), digest, fresh(tmp_path))
    assert len(asked) == 2 * len({recipe.base for recipe in recipes})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 1}', '{"a": ["x", "y"]}', "nonsense", '{"a": [1e999, "x"]}']
)
def test_a_file_that_says_nothing_is_no_trouble(tmp_path, text):
    (tmp_path / "remembered.json").write_text(text)
    kept = fresh(tmp_path)
    assert kept.note("a", lambda: "asked") == "asked"
    kept.keep()
    assert fresh(tmp_path, lambda: 1060.0).note("a", pytest.fail) == "asked (asked 1 min ago)"


def test_a_torch_is_named_with_its_hash_and_every_python_is_told_of(tmp_path):
    (tmp_path / "m.yaml").write_text(TEXT + "python: {provider: system}\n")
    text = (tmp_path / "m.yaml").read_text().replace("debian12, ubuntu24.04", "ubuntu24.04")
    (tmp_path / "m.yaml").write_text(text)
    recipes = selection.select(tmp_path / "m.yaml").recipes()
    looked = preflight.look(recipes, "auto", Store(tmp_path), lambda reference: "sha256:1", fresh(tmp_path))
    for inputs in looked.values():
        _, wheels, python = inputs
        assert "torch 2." in wheels.note
        assert "sha256:" in wheels.note
        assert (python.found, python.note) == ("there", "the packages of ubuntu24.04, by the tables")
