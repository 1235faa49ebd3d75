"""The least that the wheels' content takes: bring them here, check them, unpack them. No way is faster.

Beside it, what envbuild makes of the same wheels in the same way: their layers.
"""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import parse_wheel_filename

from builder.content import site, wheels
from builder.content.grouping import groups
from builder.layer.writing import write
from builder.source.api import Pin


def seconds(folder: Path, scratch: Path) -> float:
    """Copy, sha256 and unzip of every wheel in a folder, on as many threads as there are CPUs."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    largest_first = sorted(folder.iterdir(), key=lambda path: -path.stat().st_size)
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda wheel: _unpacked(wheel, scratch), largest_first))
    took = time.monotonic() - began
    shutil.rmtree(scratch)
    return took


def layers(folder: Path, scratch: Path, python: str) -> float:
    """Copy and sha256 of every wheel in a folder, and their layers as envbuild groups and writes them."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    pins = [_pin(path) for path in sorted(folder.iterdir())]
    place = site.Site(python=python, interpreter=f"/usr/bin/python{python}")

    def made(group: tuple[Pin, ...]) -> str:
        here = [(pin, _copied(folder / pin.filename, scratch)[0]) for pin in group]
        return write(wheels.contents(here, place).entries, scratch).diff_id

    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        list(pool.map(made, groups(pins)))
    took = time.monotonic() - began
    shutil.rmtree(scratch)
    return took


def _pin(path: Path) -> Pin:
    name, version, _, _ = parse_wheel_filename(path.name)
    return Pin(
        name=name, version=str(version), filename=path.name, url=None, sha256="", size=path.stat().st_size
    )


def _unpacked(wheel: Path, scratch: Path) -> str:
    """Its sha256, with its content under `scratch`."""
    here, digest = _copied(wheel, scratch)
    with zipfile.ZipFile(here) as archive:
        # The package index's own wheels, checked against their pins.
        archive.extractall(scratch / f"{wheel.name}.content")
    return digest


def _copied(wheel: Path, scratch: Path) -> tuple[Path, str]:
    here = scratch / wheel.name
    shutil.copyfile(wheel, here)
    with here.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return here, digest.hexdigest()
