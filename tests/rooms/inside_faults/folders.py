"""Things on disk that a broken environment would hold: distributions, packages, libraries, MNIST files."""

import base64
import gzip
import hashlib
import struct
import subprocess
from pathlib import Path

from inside_faults.harness import torch_python


def distribution(folder, name, version, *lines):
    """A metadata folder as pip leaves it."""
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]
    (place / "METADATA").write_text("\n".join(head) + "\n\nText.\n")
    return place


def package(folder, name, source):
    """An importable package."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "__init__.py").write_text(source)
    return folder / name


def record(place, files):
    """RECORD of a distribution: path → content as its wheel had it."""
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(content)}")
    (place / "RECORD").write_text("\n".join(rows) + "\n")


def torch_libraries():
    """The folder of torch's own libraries."""
    code = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    ended = subprocess.run([torch_python(), "-I", "-c", code], check=True, capture_output=True, text=True)
    return Path(ended.stdout.strip()) / "lib"


def idx(path, sizes, content, compress=False):
    """An IDX file of unsigned bytes."""
    head = b"\0\0\x08" + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(head + content) if compress else head + content)


def mnist(folder, train=640, test=256, learnable=True):
    """A small data set in MNIST's form: bars whose place tells the class, or all alike."""

    def image(label):
        rows = bytearray(784)
        place = label if learnable else 0
        rows[place * 56 : place * 56 + 56] = b"\xff" * 56
        return bytes(rows)

    for stem, count, compress in (("train", train, False), ("t10k", test, True)):
        labels = bytes(index % 10 for index in range(count))
        ending = ".gz" if compress else ""
        images = b"".join(image(label) for label in labels)
        idx(folder / f"{stem}-images-idx3-ubyte{ending}", (count, 28, 28), images, compress)
        idx(folder / f"{stem}-labels-idx1-ubyte{ending}", (count,), labels, compress)
    return folder
