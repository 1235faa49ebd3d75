"""Canonicalising against plain sha256: `python benchmarks/canonical_speed.py [RUNS] [FILES] [MEGABYTES]`.

A tar of many small files (6 KB each) and some large ones, in any order, is read as entries and written as a
canonical layer; the same bytes are hashed alone. Both come from the page cache, and the runs alternate.
Printed are the medians, the ratio of the speeds (at least 0.6), and the peak memory of this process.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import statistics
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from builder.layer.reading import entries
from builder.layer.writing import write

SMALL, LARGE = 6_000, 100 * 1024**2  # bytes of a file
BLOCK = 1 << 20
GOAL = 0.6


class Repeated:
    """A file object of that many bytes: the block, again and again."""

    def __init__(self, size: int, block: bytes) -> None:
        self.left = size
        self.block = block

    def read(self, size: int) -> bytes:
        """The next bytes."""
        taken = min(size, self.left, BLOCK)
        self.left -= taken
        return self.block[:taken]


def source(path: Path, files: int, megabytes: int) -> int:
    """A tar as engines send it; its size."""
    names = [
        (f"opt/env/lib/python3.11/site-packages/package{n % 97}/module{n}.py", SMALL) for n in range(files)
    ]
    large = max(0, megabytes * 1024**2 - files * SMALL) // LARGE
    names += [(f"opt/env/lib/python3.11/site-packages/torch/lib/lib{n}.so", LARGE) for n in range(large)]
    random.Random(1).shuffle(names)  # noqa: S311 - an order
    block = os.urandom(BLOCK)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, size in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname = size, 1_700_000_000, "root"
            tar.addfile(member, Repeated(size, block))
    return path.stat().st_size


def plain(tar: Path) -> float:
    """Seconds to hash the bytes."""
    began = time.perf_counter()
    digest = hashlib.sha256()
    with tar.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return time.perf_counter() - began


def canonical(tar: Path, folder: Path) -> float:
    """Seconds to make the layer."""
    began = time.perf_counter()
    layer = write(entries(tar), folder)
    took = time.perf_counter() - began
    layer.path.unlink()
    return took


def main() -> None:
    """Print medians, ratio and peak memory."""
    runs, files, megabytes = (
        int(word) for word in (*sys.argv[1:], *("5", "16000", "800")[len(sys.argv) - 1 :])
    )
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder, "source.tar")
        size = source(tar, files, megabytes)
        plain(tar)  # into the page cache
        pairs = [(plain(tar), canonical(tar, Path(folder))) for _ in range(runs)]
    alone, made = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{size / 1e6:.0f} MB, {files} small files, median of {runs} alternating runs")
    print(f"sha256 alone     {alone:.2f} s, {size / 1e6 / alone:.0f} MB/s")
    print(f"canonicalising   {made:.2f} s, {size / 1e6 / made:.0f} MB/s")
    print(f"ratio            {alone / made:.2f}, goal at least {GOAL}")
    print(f"peak memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
