"""Locks to begin with, and an outside that answers what a lock asks: a base, its packages, wheels."""

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder import lock
from builder.base import Wish
from builder.cli import selection
from builder.engine.api import ImageFacts, RunRequest
from builder.engine.dry import NOTHING_RAN, DryEngine
from builder.errors import CellError
from builder.lock import CANONICAL, Asked, Lock, LockedBase, LockedCell, LockedSystem, checksum, system_key
from builder.ports import Ports
from builder.source.api import Pin, Rootfs, Supplies, Surroundings

MATRIX = """\
version: 1
image: team/torch
matrix:
  os: [debian12, debian13]
  python: ["3.12"]
  cuda: [cpu]
  torch: ["2.8"]
packages: {pip: [numpy]}
base: registry
"""
DEBIAN12, DEBIAN13 = "debian12-py3.12-cpu-torch2.8.0", "debian13-py3.12-cpu-torch2.8.0"
CREATED, LISTED = 1_700_000_000, 1_700_100_000


def pin(name: str, version: str = "1.0", *, url: str | None = "", suffix: str = "-py3-none-any.whl") -> Pin:
    filename = f"{name}-{version}{suffix}"
    sha256 = hashlib.sha256(filename.encode()).hexdigest()
    found = f"https://files.example.com/{filename}" if url == "" else url
    return Pin(name=name, version=version, filename=filename, url=found, sha256=sha256, size=7)


def small_lock(**changes) -> Lock:
    """Two cells of one environment, on two bases."""
    bases = tuple(
        LockedBase(
            reference=f"debian:{number}", digest=f"sha256:{number * 32}", platform="linux/amd64",
            layers=(f"sha256:{number * 32}",), env=(("PATH", "/bin"),), labels=(), origin="registry",
            created=CREATED,
        )
        for number in ("12", "13")
    )  # fmt: skip
    debs = (pin("git", suffix="_amd64.deb"), pin("libc6", suffix="_amd64.deb"))
    systems = tuple(
        LockedSystem(key=system_key("sha256:os", one), packages=debs, date=LISTED) for one in bases
    )
    wheels = (pin("numpy", "2.3.1"), pin("torch", "2.8.0+cpu", url=None))
    cells = tuple(
        LockedCell(id=ident, recipe="sha256:r", base=base.reference, platform=base.platform,
                   system=system.key, interpreter=pin("cpython", "3.12.1"), wheels=wheels)
        for ident, base, system in zip((DEBIAN12, DEBIAN13), bases, systems, strict=True)
    )  # fmt: skip
    fields = {"matrix": "sha256:m", "canonical": CANONICAL, "epoch": LISTED, "bases": bases}
    systems = tuple(sorted(systems, key=lambda one: one.key))
    return Lock(**{**fields, "systems": systems, "cells": cells, **changes})


class Engine(DryEngine):
    """A registry whose images have layers, and containers whose apt answers."""

    def __init__(self, answer: str = "") -> None:
        super().__init__(on_run=self._answer)
        self.asked: list[RunRequest] = []
        self.generation = "1"
        self.apt = answer or "\n".join(
            ("noise", "envbuild-packages", *(apt_line(name) for name in ("zlib1g", "git")),
             "date Tue, 14 Nov 2023 22:13:20 UTC", "envbuild-packages-end", "")
        )  # fmt: skip

    def _answer(self, request: RunRequest):
        self.asked.append(request)
        return replace(NOTHING_RAN, stdout=self.apt.encode())

    def pull(self, reference, platform, on_progress) -> ImageFacts:
        found = super().pull(reference, platform, on_progress)
        layer = hashlib.sha256(f"{reference} {platform} {self.generation}".encode()).hexdigest()
        whole = replace(found, layers=(f"sha256:{layer}",), env=(("PATH", "/bin"),), created=CREATED)
        self.images[found.id] = whole
        return whole


def apt_line(name: str, version: str = "1%3a2-3") -> str:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return f"package {name} {version} amd64 http://deb.example.com/{name}_{version}_amd64.deb 9 {sha256}"


@dataclass
class Source:
    """An index that has one newest version of each package; wheels lie in a folder of the machine."""

    folder: Path
    newest: dict[str, str] = field(default_factory=lambda: {"numpy": "2.3.1"})
    orders: list = field(default_factory=list)
    url: str | None = ""
    refused: tuple[str, ...] = ()  # constraints that contradict the rest

    def resolve(self, order) -> Supplies:
        self.orders.append(order)
        if set(self.refused) & set(order.constraints):
            raise CellError.of("no versions fit together")
        held = dict(text.split("==") for text in order.constraints if "==" in text)
        wanted = dict(text.split("==") for text in order.requirements if "==" in text)
        versions = {**self.newest, **held, **wanted}
        wheels = tuple(pin(name, version, url=self.url) for name, version in sorted(versions.items()))
        interpreter = (
            pin("cpython", f"{order.python}.9", suffix="-x86_64.tar.gz") if order.standalone else None
        )
        return Supplies(wheels=wheels, interpreter=interpreter, notes=("a note",))

    def fetch(self, wanted, on_fetch) -> Path:
        path = self.folder / wanted.filename
        path.write_text(wanted.filename)
        return path

    def surroundings(self) -> Surroundings:
        return Surroundings(
            apt=b'Acquire::Check-Date "false";\n', proxies=(("http_proxy", "http://me:pa'ss@p:1"),)
        )

    def bootstrap(self, os, codename, go_on=None, arch="x86_64") -> Path:
        path = self.folder / f"{codename}-{arch}-{'0' * 16}.tar"
        path.write_bytes(f"rootfs {arch}".encode())
        return path

    def rootfs(self, tar) -> Rootfs:
        return Rootfs(path=tar, sha256=hashlib.sha256(tar.read_bytes()).hexdigest(), date=1_650_000_000)

    def base_layers(self, diff_ids):
        return None


def ports(folder: Path, engine=None, source=None) -> Ports:
    return Ports(engine=engine or Engine(), source=source or Source(folder), layers=None)


def asked(folder: Path, text: str = MATRIX, **changes) -> Asked:
    """Everything of a matrix, unless changed."""
    path = folder / "m.yaml"
    path.write_text(text)
    chosen = selection.select(path)
    recipes, rows = chosen.recipes(), chosen.facts.os
    fields = {
        "matrix": chosen.matrix,
        "recipes": recipes,
        "wishes": {
            one.cell.id: Wish(os=rows[one.cell.os], policy=chosen.matrix.base, platform=one.cell.platform)
            for one in recipes
        },
        "chosen": frozenset(cell.id for cell in chosen.chosen),
    }
    return Asked(**{**fields, **changes})


def fitting(wanted: Asked) -> Lock:
    """A lock that is not stale for what is asked."""
    recipes = {recipe.cell.id: recipe.digest for recipe in wanted.recipes}
    found = small_lock(matrix=checksum(wanted.matrix.path))
    return dataclasses.replace(
        found, cells=tuple(dataclasses.replace(cell, recipe=recipes[cell.id]) for cell in found.cells)
    )


def versions(found: Lock, cell: str) -> dict[str, str]:
    return {one.name: one.version for one in found.cell(cell).pins}


def body(text: str) -> dict:
    found: dict = json.loads(text)
    return found


def resealed(found: dict) -> str:
    """The text of a lock that another envbuild might have written: wrong, and with a seal that holds."""
    return json.dumps(lock.sealed(found))


def local_paths(text: str) -> list[str]:
    return re.findall(r"file:|//[^/]*@", text)
