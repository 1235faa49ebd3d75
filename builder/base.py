"""Recipe + ports → Base: the OS image that a build starts from, in the engine's store before the build
begins.

BuildKit without a client session cannot pull from a registry that wants a token, so a base is brought here
first, by docker-py
with the user's own credentials, and the build names it by digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from builder.engine.api import Assembled, ImageFacts, LayerFile, Progress
from builder.errors import OutsideError, Problem
from builder.facts import OsRow
from builder.layer.keys import key_of
from builder.matrix import BaseSource, Platform
from builder.names import ARCHES
from builder.ports import Ports
from builder.recipe import Recipe

REPOSITORY = "localhost/envbuild/base"  # `localhost/` is never asked of a registry, by Docker nor by Podman

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image: what a build writes after FROM, its id, and where it came from."""

    reference: str
    id: str
    origin: Literal["registry", "engine", "bootstrap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which base is wanted, and from where it may come."""

    os: OsRow
    policy: BaseSource
    platform: Platform


def own_name(os: str, layers: tuple[str, ...]) -> str:
    """What a base that we brought is called in the engine: by its content, so that no other can be meant."""
    return f"{REPOSITORY}:{os}-{key_of(layers)[:16]}"


def ready(recipe: Recipe, wish: Wish, ports: Ports, on_progress: OnProgress) -> Base:
    """The base in the engine's store. `auto`: the engine's own copy, else the registry's, else (Debian) made
    from the mirror.

    Raises `OutsideError` when none of the allowed ways leads to it.
    """
    if wish.policy == "bootstrap":
        return _bootstrapped(recipe, wish, ports, on_progress)
    found = ports.engine.find(recipe.base) if wish.policy == "auto" else None
    if found is not None and found.platform in ("", wish.platform):
        return _named(recipe.base, found, "engine")
    try:
        pulled = ports.engine.pull(recipe.base, wish.platform, on_progress)
    except OutsideError as error:
        if wish.policy == "registry" or not _can_bootstrap(recipe, wish):
            raise
        on_progress(
            Progress(step="bootstrap", line=f"{recipe.base} cannot be pulled: {error.problems[0].message}")
        )
        return _bootstrapped(recipe, wish, ports, on_progress)
    return _named(recipe.base, pulled, "registry")


def _named(reference: str, image: ImageFacts, origin: Literal["registry", "engine"]) -> Base:
    """The base by digest where the engine knows one: a tag could be moved while we build."""
    repository = reference.rsplit(":", 1)[0]
    name = repository.removeprefix("docker.io/").removeprefix("library/")
    digests = (text.split("@", 1) for text in image.digests if "@" in text)
    digest = next((digest for where, digest in digests if where.endswith(name)), None)
    return Base(reference=f"{reference}@{digest}" if digest else reference, id=image.id, origin=origin)


def _can_bootstrap(recipe: Recipe, wish: Wish) -> bool:
    """Only a plain Debian can be made here: its packages are what this machine's mirror holds."""
    return (
        wish.os.family == "debian"
        and not wish.os.like
        and recipe.cell.flavor == "runtime"
        and wish.os.codename is not None
    )


def _bootstrapped(recipe: Recipe, wish: Wish, ports: Ports, on_progress: OnProgress) -> Base:
    if not _can_bootstrap(recipe, wish):
        message = f"{wish.os.name} cannot be bootstrapped: only a plain Debian can be made from a mirror"
        hint = f"use `base: registry`, or bring {recipe.base} into the engine with `docker load`"
        raise OutsideError((Problem(message=message, hint=hint, cell=recipe.cell.id),))
    on_progress(Progress(step=f"bootstrap {wish.os.name}"))
    tar = ports.source.bootstrap(wish.os.name, wish.os.codename or "", ports.go_on, ARCHES[wish.platform])
    diff_id = f"sha256:{ports.source.rootfs(tar).sha256}"
    reference = own_name(wish.os.name, (diff_id,))
    found = ports.engine.find(reference)
    if found is not None:
        return Base(reference=reference, id=found.id, origin="bootstrap")
    layer = LayerFile(diff_id=diff_id, size=tar.stat().st_size, path=tar)
    labels = {"org.opencontainers.image.title": f"{wish.os.name}, bootstrapped from a package mirror"}
    # An engine's own import would take it for one of the engine's platform.
    image = ports.engine.load(Assembled.of_rootfs(layer, wish.platform, labels), on_progress, ports.cancel)
    ports.engine.tag(image, reference)
    return Base(reference=reference, id=image, origin="bootstrap")
