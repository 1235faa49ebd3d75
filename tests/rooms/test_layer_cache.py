"""The cache makes a layer once, hands out no byte that it did not write, and stays within its bound."""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from layer_trees import file, folder, sha256

from builder.errors import OutsideError
from builder.layer.cache import Layers
from builder.layer.pruning import prune, usage
from builder.layer.writing import write

SIZE = 512 + 10_240 + 1024  # of a layer with one file of 10,000 bytes


def key(name):
    return hashlib.sha256(name.encode()).hexdigest()


def made_of(*entries):
    return lambda: iter(entries)


def never():
    raise AssertionError("made again")


@pytest.fixture
def layers(tmp_path):
    return Layers(root=tmp_path)


def files_in(layers, name):
    return sorted(path.name for path in (layers.folder / name).glob("*"))


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
    tar = write((file("x"),), tmp_path).path
    adopted = layers.adopt(key("a"), "base", tar)
    assert adopted.path.read_bytes() == tar.read_bytes()
    tar.unlink()
    assert layers.checked(adopted) == adopted == layers.adopt(key("a"), "base", tar)


def test_a_tar_on_another_disk_is_copied(layers, tmp_path, monkeypatch):
    def other_disk(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    tar = write((file("x"),), tmp_path).path
    assert layers.adopt(key("a"), "base", tar).path.read_bytes() == tar.read_bytes()


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


CHILD = """
import sys
from pathlib import Path
from builder.layer.cache import Layers
from builder.layer.values import Entry

def content():
    yield b"1" * (4 << 20)
    print("half", flush=True)
    if sys.stdin.readline() == "go on\\n":
        yield b"2" * (4 << 20)

entry = Entry(path="big", kind="file", size=8 << 20, content=content)
layer = Layers(root=Path(sys.argv[1])).make(sys.argv[2], "big", lambda: [entry])
print(layer.diff_id)
"""


def child(tmp_path):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, tmp_path, key("big")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


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


# ------------------------------------------------------------------------------------------------ the bound


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
