"""Where inputs come from, as rooms see it: one Protocol and the values that cross it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


def always() -> None:
    """A `GoOn` for work that nobody stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One file to fetch, known by its content: a wheel, an interpreter's archive or a distribution's package.

    `url` has no login. It is None for a file that a lock knows and that has no address for everybody: such a
    file is found by name and sha256 in the folders and indexes that this machine is configured with.
    """

    name: str  # normalized distribution name, `cpython`, or a distribution's package
    version: str
    filename: str
    url: str | None
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to pin for one environment, in a resolver's words.

    `fallback` are the requirements without local versions, or None where the index's own torch is another
    build: it serves a machine that reaches the package index and not PyTorch's. `index` is PyTorch's index
    for the cell's variant. `standalone` tells whether a standalone Python is wanted as well.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    fallback: tuple[str, ...] | None
    index: str
    python: str
    arch: str
    glibc: str
    standalone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What an environment step needs: wheels, and the interpreter's archive when it is a standalone one."""

    wheels: tuple[Pin, ...]
    interpreter: Pin | None = None
    notes: tuple[str, ...] = ()  # what a user should know, for example that PyTorch's index was not reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a build step with network must know of this machine. It is lent to the step and ends in no image.

    `apt` is an apt.conf (dates of a lagging mirror, proxies); `proxies` are environment variables.
    """

    apt: bytes = b""
    proxies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rootfs:
    """A bootstrapped root file system: its tar, the tar's sha256, and the date of the mirror that it was made
    from, in seconds since 1970.
    """

    path: Path
    sha256: str
    date: int


GoOn = Callable[[], None]  # returns as long as the work is wanted, else raises
OnFetch = Callable[[str, int, int | None], None]  # file name, bytes so far, bytes in all


class Source(Protocol):
    """The package index, the interpreters' mirror and the store behind them."""

    def resolve(self, order: Order) -> Supplies:
        """Pin everything that `order` asks for.

        Raises `CellError` when it cannot be satisfied, `OutsideError` when nobody answers.
        """

    def offers(self, python: str, arch: str) -> str:
        """The version of the standalone Python that `resolve` would pin. It is looked for, and not fetched.

        Raises `CellError` where there is none, `OutsideError` when nobody answers.
        """

    def fetch(self, pin: Pin, on_fetch: OnFetch) -> Path:
        """The file in the store, brought there when it is not yet, always checked against its sha256: from
        the mirror folder where there is one, else from its address, else from this machine's own folders and
        indexes. Raises `OutsideError`; offline also for what only a network could bring.
        """

    def installer(self) -> Path:
        """The uv executable of this machine, for the build to install with."""

    def surroundings(self) -> Surroundings:
        """This machine's proxies and apt settings, for a step that needs the network."""

    def bootstrap(self, os: str, codename: str, go_on: GoOn = always, arch: str = "") -> Path:
        """The tar of a Debian release for `arch` (x86_64, aarch64; empty: this machine's), made from this
        machine's own mirror; raises `OutsideError`, and what `go_on` raises.
        """

    def rootfs(self, tar: Path) -> Rootfs:
        """What is known of a tar that `bootstrap` made."""

    def base_layers(self, diff_ids: tuple[str, ...]) -> tuple[Path, ...] | None:
        """The layers of a base (`sha256:…`, from the lowest on) as uncompressed tars, checked.

        None unless the mirror folder, or what was bootstrapped on this machine before, has all of them.
        """
