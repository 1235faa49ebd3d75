"""The cache stays within its bound, and keeps what somebody needs."""

import os

import pytest
from layer_makers import SIZE, child, files_in, key, made_of
from layer_trees import file, folder

from builder.layer.cache import Layers
from builder.layer.pruning import prune, usage


@pytest.fixture
def layers(tmp_path):
    return Layers(root=tmp_path)


def filled(layers):
    """Layers `a`, `b`, `c`, last used in this order."""
    for number, name in enumerate("abc"):
        layers.make(key(name), f"layer {name}", made_of(file(name, name.encode() * 10_000)))
        os.utime(layers.folder / f"keys/{key(name)}.json", (1000 + number, 1000 + number))
    return layers


def labels(layers):
    return [use.label for use in usage(layers)]


def test_use_tells_name_size_and_time(layers):
    uses = usage(filled(layers))
    assert [(use.label, use.last_used, use.keys) for use in uses] == [
        ("layer a", 1000, (key("a"),)),
        ("layer b", 1001, (key("b"),)),
        ("layer c", 1002, (key("c"),)),
    ]
    assert all(use.size == SIZE for use in uses)


def test_what_was_not_used_for_the_longest_time_goes_first(layers):
    filled(layers).find(key("a"))
    assert prune(layers, 25_000) == SIZE
    assert labels(layers) == ["layer c", "layer a"]
    assert layers.find(key("b")) is None
    assert len(files_in(layers, "blobs")) == len(files_in(layers, "keys")) == 2
    assert prune(layers, 25_000) == 0


def test_what_is_in_use_or_to_be_kept_stays(layers, tmp_path):
    filled(layers)
    with layers.using(key("a"), key("a")):
        prune(Layers(root=tmp_path), 0, keep=frozenset({key("b")}))
    assert labels(layers) == ["layer a", "layer b"]
    assert prune(layers, 0) == 2 * SIZE
    assert labels(layers) == []


def test_what_is_being_made_stays(layers, tmp_path):
    filled(layers)
    working = child(tmp_path)
    assert working.stdout.readline() == "half\n"
    with layers.locked(key("c")):
        prune(layers, 0)
    assert labels(layers) == ["layer c"]
    made, _ = working.communicate("go on\n")
    assert layers.checked(layers.find(key("big"))).diff_id == made.strip()


def test_layers_in_use_may_be_made(layers):
    with layers.using(key("a")):
        assert layers.make(key("a"), "a", made_of(folder("x")))


def test_a_file_of_two_keys_goes_when_neither_is_used(layers):
    one = layers.make(key("a"), "a", made_of(file("x")))
    layers.make(key("b"), "b", made_of(file("x")))
    with layers.using(key("b")):
        assert prune(layers, 0) == 0
    assert usage(layers)[0].keys in ((key("a"), key("b")), (key("b"), key("a")))
    assert prune(layers, 0) == one.size
    assert files_in(layers, "keys") == files_in(layers, "blobs") == []


def test_remains_go(layers):
    filled(layers)
    (layers.folder / f"keys/{key('a')}.json").unlink()
    (layers.folder / f"making/{key('z')}").mkdir()
    (layers.folder / f"making/{key('z')}/.writing-1.tar").write_bytes(b"1")
    (layers.folder / "making/odd").mkdir()
    assert prune(layers, 1 << 40) == SIZE
    assert files_in(layers, "making") == ["odd"]
    assert labels(layers) == ["layer b", "layer c"]


def test_nothing_is_pruned_of_nothing(layers):
    assert usage(layers) == ()
    assert prune(layers, 0) == 0
