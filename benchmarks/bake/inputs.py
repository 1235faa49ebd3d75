"""What both sides start from: base images in the engine, and wheels in a folder."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bake.engine import Engine
from builder.source import open_source
from builder.source.api import Order, Source

OS, CODENAME, GLIBC, PYTHON = (
    "debian12",
    "bookworm",
    "2.36",
    "3.11",
)  # its own Python is the usual Dockerfile's
TORCH = "2.13.0"
NUMPY = ("2.4.5", "2.4.6")  # before and after one package changed
BASES = "localhost/bench/base"
INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`bases`: names in the engine. `wheels`: one folder for each numpy. `store`: has the same wheels."""

    bases: tuple[str, ...]
    wheels: tuple[Path, Path]
    store: Path


def prepare(engine: Engine, count: int) -> Inputs:
    """As many bases, and the wheels of both environments, fetched as envbuild fetches them."""
    store = engine.folder / "prepared"
    source = open_source(store)
    tar = source.bootstrap(OS, CODENAME)
    bases = tuple(_base(engine, tar, number) for number in range(1, count + 1))
    before, after = (_wheels(source, numpy, engine.folder / f"numpy-{numpy}") for numpy in NUMPY)
    return Inputs(bases=bases, wheels=(before, after), store=store)


def _base(engine: Engine, tar: Path, number: int) -> str:
    """Debian 12 itself, or (from the second on) with one more small file: a layer with another digest."""
    name, path = f"{BASES}:{number}", tar
    if number > 1:
        path = engine.folder / "base.tar"
        shutil.copyfile(tar, path)
        with tarfile.open(path, "a") as archive:
            entry = tarfile.TarInfo("./etc/base-number")
            content = f"{number}\n".encode()
            entry.size, entry.mtime = len(content), 1
            archive.addfile(entry, io.BytesIO(content))
    engine.client.api.import_image_from_file(str(path), repository=BASES, tag=str(number))
    return name


def _wheels(source: Source, numpy: str, folder: Path) -> Path:
    """torch, that numpy and what they need, in a folder of their own: the store's very files."""
    order = Order(
        requirements=(f"torch=={TORCH}+cpu", f"numpy=={numpy}"),
        constraints=(),
        fallback=(f"torch=={TORCH}", f"numpy=={numpy}"),
        index=INDEX,
        python=PYTHON,
        arch="x86_64",
        glibc=GLIBC,
        standalone=False,
    )
    folder.mkdir()
    for pin in source.resolve(order).wheels:
        os.link(source.fetch(pin, _silent), folder / pin.filename)
    return folder


def _silent(name: str, done: int, size: int | None) -> None:
    """Progress that nobody looks at."""


def weight(folder: Path) -> int:
    """Bytes of the wheels in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
