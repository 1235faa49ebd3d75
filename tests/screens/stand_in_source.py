"""A source that has every package in every version: small files, the same bytes wherever they are made."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder.source.api import GoOn, OnFetch, Order, Pin, Rootfs, Supplies, Surroundings, always
from tests.rooms.content_wheels import wheel
from tests.screens.stand_in_engine import CREATED, tar

BUILD = "20250101"


def _nothing(order: object) -> None:
    del order


@dataclass(frozen=True)
class Store:
    """Files are made in `folder` when they are asked for. `sources`: packages whose wheels have a module."""

    folder: Path
    notes: tuple[str, ...] = ()
    on_resolve: Callable[[Order], None] = _nothing
    on_fetch: Callable[[Pin], None] = _nothing
    sources: tuple[str, ...] = ()
    newest: dict[str, str] = field(default_factory=dict)  # of packages that no requirement pins
    _made: dict[tuple[str, str], Pin] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def resolve(self, order: Order) -> Supplies:
        self.on_resolve(order)
        pinned = dict(text.split("==") for text in order.requirements if "==" in text)
        wheels = [self._pinned(*one) for one in {**self.newest, **pinned}.items()]
        interpreter = self._interpreter(order.python) if order.standalone else None
        return Supplies(wheels=tuple(wheels), interpreter=interpreter, notes=self.notes)

    def offers(self, python: str, arch: str) -> str:
        return self._interpreter(python).version

    def fetch(self, pin: Pin, on_fetch: OnFetch) -> Path:
        self.on_fetch(pin)
        on_fetch(pin.filename, 0, pin.size)
        if pin.filename.endswith(".deb"):
            return self._file(pin.filename, pin.name.encode())
        made = self._interpreter(pin.version.rpartition(".")[0]) if pin.name == "cpython" else None
        made = made or self._pinned(pin.name, pin.version)
        assert made.sha256 == pin.sha256
        return self.folder / pin.filename

    def installer(self) -> Path:
        return self._file("uv", b"uv")

    def surroundings(self) -> Surroundings:
        return Surroundings()

    def bootstrap(self, os: str, codename: str, go_on: GoOn = always, arch: str = "") -> Path:
        name = f"{codename}-{arch or 'x86_64'}"
        return self._file(f"{name}.tar", tar({"etc/os-release": f"{os} {arch}".encode()}))

    def rootfs(self, tar: Path) -> Rootfs:
        return Rootfs(path=tar, sha256=hashlib.sha256(tar.read_bytes()).hexdigest(), date=CREATED)

    def base_layers(self, diff_ids: tuple[str, ...]) -> tuple[Path, ...] | None:
        return None

    def _pinned(self, name: str, version: str) -> Pin:
        files = {f"{name}/__init__.py": f"NAME = {name!r}\n"} if name in self.sources else {}
        with self._guard:
            if (name, version) not in self._made:
                self._made[name, version], _ = wheel(self.folder, name, files, version)
        pin = self._made[name, version]
        return replace(pin, url=f"https://x/{pin.filename}")

    def _interpreter(self, python: str) -> Pin:
        version = f"{python}.9"
        name = f"cpython-{version}+{BUILD}-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
        content = gzip.compress(tar({f"python/bin/python{python}": b"\x7fELF"}), mtime=0)
        path = self._file(name, content)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        url = f"https://x/{name}"
        return Pin(name="cpython", version=version, filename=name, url=url, sha256=sha256, size=len(content))

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        with self._guard:
            if not path.exists():
                path.write_bytes(content)
        return path
