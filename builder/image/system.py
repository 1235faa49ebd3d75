"""Recipe + lock → the OS layer: the distribution's packages and the account, built by the engine.

What the engine made is taken out of it again and written in canonical form: neither its builder nor its store
shows in the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from builder.engine.api import BuildRequest, Entry, Progress, under_way
from builder.errors import CellError, OutsideError
from builder.image import restoring
from builder.image.assembly import Part
from builder.image.restoring import Wanted
from builder.layer.keys import key_of
from builder.layer.listing import listing
from builder.layer.rules import Rules
from builder.layer.squash import squash
from builder.layer.values import Layer
from builder.lock import CANONICAL, LockedSystem
from builder.ports import Ports
from builder.recipe import Recipe

REPOSITORY = "localhost/envbuild/os"  # `localhost/` is never asked of a registry, by Docker nor by Podman

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What an OS layer is made on: the recipe's `os` stage, its pinned packages, and its base."""

    recipe: Recipe
    base: Wanted
    system: LockedSystem
    epoch: int

    @property
    def key(self) -> str:
        """Equal for cells whose `os` stage does the same."""
        packages = [pin.sha256 for pin in self.system.packages or ()]
        layers = self.base.locked.layers
        return key_of("system", CANONICAL, self.recipe.os_digest, layers, packages, self.epoch)

    @property
    def image(self) -> str:
        """The name of the stage's image in the engine."""
        return f"{REPOSITORY}:{self.key[:24]}"

    @property
    def label(self) -> str:
        """What the layer holds, for people."""
        return f"system packages of {self.recipe.cell.os}"


def stage_image(ground: Ground, ports: Ports, on_progress: OnProgress) -> str:
    """The `os` stage as an image in the engine: found there, or built now, once for all who ask."""
    label = f"install the packages of {ground.recipe.cell.os}"
    return ports.shared.begin(ground.image, lambda: _stage_image(ground, ports, on_progress), label).result()


def _stage_image(ground: Ground, ports: Ports, on_progress: OnProgress) -> str:
    name = ports.named(ground.image)
    if ports.engine.find(name) is None:
        base = restoring.in_engine(ground.base, ports, on_progress)
        with ports.shared.slot():
            _build(_request(ground, base, ports), ports, on_progress)
    return name


def part(ground: Ground, ports: Ports, on_progress: OnProgress) -> Part:
    """The canonical OS layer upon the base's; made once per distinct stage, base and epoch."""
    found = ports.checked(ground.key)
    if found is None:
        image = stage_image(ground, ports, on_progress)
        found = above(image, ground, ground.key, ports, on_progress)
    return Part(label=ground.label, layer=restoring.as_file(found))


def above(image: str, ground: Ground, key: str, ports: Ports, on_progress: OnProgress) -> Layer:
    """Everything that an image in the engine has above the base, as one canonical layer.

    An engine saves whole images, so a base whose layers are not on this machine yet comes along in one go.
    """
    below = restoring.known(ground.base, ports)
    with ports.shared.slot(), ports.scratch() as scratch, under_way("canonical layer", on_progress):
        skip = ground.base.locked.layers if below else ()
        upper = [layer.path for layer in ports.engine.save(image, skip, scratch)]
        if below is None:
            count = len(ground.base.locked.layers)
            below = restoring.kept(ground.base, upper[:count], ports)
            upper = upper[count:]
        lower = listing([layer.path for layer in below])
        rules = Rules(epoch=ground.epoch)
        return ports.layers.make(key, ground.label, lambda: squash(upper, lower, rules))


def _request(ground: Ground, base: str, ports: Ports) -> BuildRequest:
    """The stage's build: without network where every package is pinned, else with this machine's proxies."""
    files = [Entry(path=path, content=content) for path, content in ground.recipe.files]
    args = {"BASE_IMAGE": base}
    pinned = ground.system.packages
    if pinned is None and ports.offline:
        raise OutsideError.of(
            f"the packages of {ground.recipe.cell.os} cannot be installed offline: {ground.system.why}",
            hint="build it where there is a network",
        )
    if pinned is None:
        around = ports.source.surroundings()
        files += [Entry(path="os/apt.conf", content=around.apt)] if around.apt else []
        args |= dict(around.proxies)
    else:
        # The folder says that no network is needed, also where the base has every package already.
        files.append(Entry(path="os/debs/.keep", content=b""))
        files += [Entry(path=f"os/debs/{pin.filename}", content=ports.file(pin)) for pin in pinned]
    return BuildRequest(
        context=tuple(files),
        target="os",
        args=args,
        labels={"org.envbuild.os": ground.recipe.os_digest},
        # The host's also where a daemon has no bridge, or a proxy listens on this machine alone.
        network="host" if pinned is None else "none",
        tag=ports.named(ground.image),
        platform=ports.foreign(ground.recipe.cell.platform),
        no_cache=bool(ports.fresh),
    )


def _build(request: BuildRequest, ports: Ports, on_progress: OnProgress) -> None:
    """Build; a step that fails with an error of its own is told with the hint of this build."""
    hint = "check packages.system: the log tells what the base's package manager has against it"
    if request.network == "host":
        hint = "check packages.system, and that a build on this engine reaches the distribution's mirror"
    try:
        ports.engine.build(request, on_progress, ports.cancel)
    except CellError as error:
        raise CellError(replace(problem, hint=problem.hint or hint) for problem in error.problems) from error
