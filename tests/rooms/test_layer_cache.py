"""The cache makes a layer once, and hands out no byte that it did not write."""

import fcntl
import json
import os
import signal
import threading

import pytest
from layer_makers import child, files_in, key, made_of, never
from layer_trees import file, sha256

from builder.errors import OutsideError
from builder.layer.cache import Layers
from builder.layer.writing import write


@pytest.fixture
def layers(tmp_path):
    return Layers(root=tmp_path)


def test_a_layer_is_made_once(layers, tmp_path):
    assert layers.find(key("a")) is None
    made = layers.make(key("a"), "torch", made_of(file("x")), ("torch-2.whl", "3.11"))
    assert made.path.parent == tmp_path / "layers/blobs"
    assert made.diff_id == f"sha256:{sha256(made.path)}" == f"sha256:{made.path.stem}"
    assert layers.make(key("a"), "torch", never) == made == layers.find(key("a"))
    assert Layers(root=tmp_path).find(key("a")) == made
    said = json.loads((tmp_path / f"layers/keys/{key('a')}.json").read_text())
    assert said == {
        "diff_id": made.diff_id,
        "size": made.size,
        "label": "torch",
        "inputs": ["torch-2.whl", "3.11"],
    }
    assert files_in(layers, "making") == []


def test_equal_content_of_two_keys_is_one_file(layers):
    one = layers.make(key("a"), "a", made_of(file("x")))
    assert layers.make(key("b"), "b", made_of(file("x"))) == one
    assert files_in(layers, "blobs") == [one.path.name]


def test_a_tar_is_adopted_as_it_is(layers, tmp_path):
    made = write((file("x"),), tmp_path)
    tar = made.path
    adopted = layers.adopt(key("a"), "base", tar, made.diff_id)
    assert adopted.path.read_bytes() == tar.read_bytes()
    tar.unlink()
    assert layers.checked(adopted) == adopted == layers.adopt(key("a"), "base", tar, made.diff_id)


def test_a_tar_that_is_not_what_was_meant_is_not_adopted(layers, tmp_path):
    meant, other = write((file("x"),), tmp_path), write((file("y"),), tmp_path)
    assert layers.adopt(key("a"), "base", other.path, meant.diff_id) is None
    assert layers.find(key("a")) is None
    assert layers.adopt(key("a"), "base", meant.path, meant.diff_id).diff_id == meant.diff_id


def test_a_tar_on_another_disk_is_copied(layers, tmp_path, monkeypatch):
    def other_disk(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    made = write((file("x"),), tmp_path)
    adopted = layers.adopt(key("a"), "base", made.path, made.diff_id)
    assert adopted.path.read_bytes() == made.path.read_bytes()


def tampered(layer):
    content = bytearray(layer.path.read_bytes())
    content[600] ^= 1
    layer.path.write_bytes(content)


@pytest.mark.parametrize("same_process", [True, False])
def test_a_layer_that_was_tampered_with_is_not_handed_out(tmp_path, same_process):
    notes = []
    layers = Layers(root=tmp_path, on_note=notes.append)
    made = layers.make(key("a"), "torch 2.13", made_of(file("x")))
    assert layers.checked(made) == made
    tampered(made)
    later = layers if same_process else Layers(root=tmp_path, on_note=notes.append)
    assert later.checked(made) is None
    assert not made.path.exists()
    assert len(notes) == 1
    assert "torch 2.13" in notes[0]
    assert later.find(key("a")) is None
    again = later.make(key("a"), "torch 2.13", made_of(file("x")))
    assert later.checked(again) == made


def test_a_layer_of_another_size_is_not_found(tmp_path):
    notes = []
    layers = Layers(root=tmp_path, on_note=notes.append)
    made = layers.make(key("a"), "torch", made_of(file("x")))
    made.path.write_bytes(made.path.read_bytes()[:-512])
    assert layers.find(key("a")) is None
    assert len(notes) == 1
    assert layers.make(key("a"), "torch", made_of(file("x"))) == made


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"diff_id": 1}', '{"inputs": 3}'])
def test_a_damaged_record_is_none(layers, said):
    made = layers.make(key("a"), "torch", made_of(file("x")))
    (layers.folder / f"keys/{key('a')}.json").write_text(said)
    assert layers.find(key("a")) is None
    assert layers.make(key("a"), "torch", made_of(file("x"))) == made


def test_a_layer_that_is_gone_is_made_anew(layers):
    made = layers.make(key("a"), "torch", made_of(file("x")))
    made.path.unlink()
    assert layers.find(key("a")) is layers.checked(made) is None
    assert layers.make(key("a"), "torch", made_of(file("x"))) == made


def test_only_a_sha256_is_a_key(layers):
    with pytest.raises(ValueError, match="not a key"):
        layers.make("../../x", "x", never)


def test_many_threads_make_it_once(layers):
    began, together = [], threading.Barrier(8)

    def entries():
        began.append(1)
        yield file("x")

    def ask():
        together.wait(timeout=60)
        layers.make(key("a"), "torch", entries)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert began == [1]


def test_a_killed_process_leaves_nothing_that_matters(tmp_path, layers):
    first = child(tmp_path)
    assert first.stdout.readline() == "half\n"
    first.send_signal(signal.SIGKILL)
    first.communicate()
    left = list((layers.folder / "making").rglob("*.tar"))
    assert len(left) == 1
    second = child(tmp_path)
    assert second.stdout.readline() == "half\n"
    assert not left[0].exists()
    told, _ = second.communicate("go on\n")
    assert told.strip() == layers.find(key("big")).diff_id
    assert layers.checked(layers.find(key("big")))
    assert files_in(layers, "making") == []


def test_a_second_process_waits_for_the_first(tmp_path, layers):
    first = child(tmp_path)
    assert first.stdout.readline() == "half\n"
    second = child(tmp_path)
    with (layers.folder / "locks" / key("big")).open("w") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    made, _ = first.communicate("go on\n")
    told, _ = second.communicate("it would stop half-way\n")
    assert told == made  # without a `half` of its own


def test_what_fails_half_way_leaves_nothing(layers):
    def entries():
        yield file("x")
        raise RuntimeError("the wheel is broken")

    with pytest.raises(RuntimeError):
        layers.make(key("a"), "torch", entries)
    assert layers.find(key("a")) is None
    assert files_in(layers, "making") == files_in(layers, "blobs") == []


def test_a_folder_that_refuses_is_told_plainly(tmp_path):
    (tmp_path / "layers").write_text("in the way")
    with pytest.raises(OutsideError, match="the layer cache at"):
        Layers(root=tmp_path).make(key("a"), "torch", never)


def test_small_results_are_remembered(layers, tmp_path):
    assert layers.recall(key("a")) is None
    layers.remember(key("a"), {"id": "sha256:1", "more": [1, 2]})
    layers.remember(key("a"), {"id": "sha256:2"})
    assert Layers(root=tmp_path).recall(key("a")) == {"id": "sha256:2"}
    assert layers.find(key("a")) is None
