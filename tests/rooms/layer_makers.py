"""Layers that are made in the cache, by this process or by another."""

import hashlib
import subprocess
import sys

SIZE = 512 + 10_240 + 1024  # of a layer with one file of 10,000 bytes


def key(name):
    return hashlib.sha256(name.encode()).hexdigest()


def made_of(*entries):
    return lambda: iter(entries)


def never():
    raise AssertionError("made again")


def files_in(layers, name):
    return sorted(path.name for path in (layers.folder / name).glob("*"))


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
