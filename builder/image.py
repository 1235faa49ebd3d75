"""Recipe + ports → Image: a built image, known by its id.

Two builds per cell (see docs/architecture.md): the `os` stage with network, shared by every cell with the
same base and system
packages, and the environment without any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from builder.base import Base
from builder.engine.api import BuildRequest, Entry, Progress
from builder.errors import CellError
from builder.ports import Ports
from builder.recipe import Recipe
from builder.source import downloads_json, pins_txt
from builder.source.api import Source, Supplies

OS_REPOSITORY = "localhost/envbuild/os"  # `localhost/` is never asked of a registry, by Docker nor by Podman


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image: `id` as the engine tells it, `size` in bytes, and the digest of the recipe that it
    came from.
    """

    cell: str
    id: str
    tags: tuple[str, ...]
    size: int
    base: str
    base_id: str
    recipe: str  # the recipe's digest
    packages: tuple[tuple[str, str], ...]  # what was installed: normalized name, version
    seconds: float


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the environment is built on: the base, and the image that holds the OS packages upon it."""

    base: Base
    image: str


def gather(recipe: Recipe, ports: Ports, on_progress: OnProgress) -> Supplies:
    """Resolve and fetch everything that the environment step installs; after this the store holds every
    file.
    """
    on_progress(Progress(step="resolve packages"))
    supplies = ports.source.resolve(recipe.order)
    pins = (*supplies.wheels, *((supplies.interpreter,) if supplies.interpreter else ()))
    for pin in pins:
        ports.source.fetch(
            pin, lambda name, now, total: on_progress(Progress(step=name, current=now, total=total))
        )
    return supplies


def context(recipe: Recipe, supplies: Supplies, source: Source) -> tuple[Entry, ...]:
    """The hermetic build context: the rendered folder, uv, the wheels with their pins, the interpreter's
    archive.
    """

    def stored(pin_path: Path, name: str, mode: int = 0o644) -> Entry:
        return Entry(path=name, content=pin_path, mode=mode)

    entries = [Entry(path=path, content=content) for path, content in recipe.files]
    entries.append(stored(source.installer(), "tools/uv", 0o755))
    entries.append(Entry(path="env/pins.txt", content=pins_txt(supplies)))
    entries += [stored(source.fetch(pin, _silent), f"env/wheels/{pin.filename}") for pin in supplies.wheels]
    if supplies.interpreter is not None:
        pin = supplies.interpreter
        listing = downloads_json(pin, f"file:///inputs/python/{pin.filename}")
        entries.append(Entry(path="python/downloads.json", content=listing))
        entries.append(stored(source.fetch(pin, _silent), f"python/{pin.filename}"))
    return tuple(entries)


def _silent(name: str, now: int, total: int | None) -> None:
    """Progress of a file that is in the store already."""


def ground(recipe: Recipe, base: Base, ports: Ports, on_progress: OnProgress) -> Ground:
    """The OS packages on the base: found in the engine, or built now, with network."""
    key = hashlib.sha256(f"{recipe.os_digest} {base.id}".encode()).hexdigest()[:24]
    reference = f"{OS_REPOSITORY}:{key}"
    if ports.engine.find(reference) is not None:
        return Ground(base=base, image=reference)
    around = ports.source.surroundings()
    lent = (Entry(path="os/apt.conf", content=around.apt),) if around.apt else ()
    request = BuildRequest(
        context=(*(Entry(path=path, content=content) for path, content in recipe.files), *lent),
        target="os",
        args={"BASE_IMAGE": base.reference, **dict(around.proxies)},
        labels={"org.envbuild.os": recipe.os_digest},
        network="host",  # also where a daemon has no bridge, or a proxy listens on this machine alone
        tag=reference,
    )
    hint = "check packages.system, and that a build on this engine reaches the distribution's mirror"
    _build(request, ports, on_progress, hint)
    return Ground(base=base, image=reference)


def make(recipe: Recipe, supplies: Supplies, on: Ground, ports: Ports, on_progress: OnProgress) -> str:
    """Build the environment on the ground, without network; the image's id. Nothing is tagged yet."""
    request = BuildRequest(
        context=context(recipe, supplies, ports.source),
        target="image",
        args={"BASE_IMAGE": on.base.reference, "OS_IMAGE": on.image, "UV_IMAGE": "uv-local"},
        labels={"org.envbuild.recipe": recipe.digest},
        network="none",
        tag=None,
    )
    hint = "`envbuild render` writes the folder; `docker build` on it shows the same step by itself"
    return _build(request, ports, on_progress, hint)


def _build(request: BuildRequest, ports: Ports, on_progress: OnProgress, hint: str) -> str:
    """Build; a step that fails with an error of its own is told with the hint of this build."""
    try:
        return ports.engine.build(request, on_progress, ports.cancel)
    except CellError as error:
        raise CellError(replace(problem, hint=problem.hint or hint) for problem in error.problems) from error
