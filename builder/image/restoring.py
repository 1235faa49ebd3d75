"""LockedBase + ports → the very base that was locked: its layers on this machine, itself in the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.base import Wish, own_name
from builder.engine.api import LayerFile, Progress, under_way
from builder.errors import EnvbuildError, OutsideError
from builder.image import assembly
from builder.image.assembly import Part
from builder.layer.keys import key_of
from builder.layer.values import Layer
from builder.lock import LockedBase
from builder.names import ARCHES
from builder.ports import Ports
from builder.recipe import Configured

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A base as it was locked, and from where it may come."""

    locked: LockedBase
    wish: Wish

    @property
    def name(self) -> str:
        """What the base is called in the engine where it has no name of its own there."""
        return own_name(self.wish.os.name, self.locked.layers)

    @property
    def label(self) -> str:
        """The same for people."""
        return f"base {self.locked.reference}"


def in_engine(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> str:
    """A name in the engine that means this very base; brought there if need be, once for all who ask.

    Raises `OutsideError` where nothing has it any more: a mirror or a tag has moved on.
    """
    name = f"{wanted.label} {wanted.name} in the engine"
    label = f"{wanted.label} into the engine"
    return ports.shared.begin(name, lambda: _in_engine(wanted, ports, on_progress), label).result()


def layers(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> tuple[LayerFile, ...]:
    """The base's own layers as files of this machine, byte for byte; brought once for all who ask."""
    name = f"{wanted.label} {wanted.name} on this machine"
    label = f"{wanted.label} onto this machine"
    return ports.shared.begin(name, lambda: _layers(wanted, ports, on_progress), label).result()


def _in_engine(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> str:
    for name in filter(None, (wanted.name, wanted.locked.pinned, wanted.locked.reference)):
        found = ports.engine.find(name)
        if found is not None and found.layers == wanted.locked.layers:
            return name
    here = known(wanted, ports)
    if here is None and wanted.locked.pinned and not ports.offline:
        return _pulled(wanted, wanted.locked.pinned, ports, on_progress)
    if here is None and wanted.locked.origin != "bootstrap":
        why = "no registry is asked offline" if ports.offline else "no registry is known to have it"
        raise _moved(wanted, f"this engine has it no more, and {why}")
    return _loaded(wanted, here or _bootstrapped(wanted, ports, on_progress), ports, on_progress)


def _pulled(wanted: Wanted, reference: str, ports: Ports, on_progress: OnProgress) -> str:
    with ports.shared.slot():
        found = ports.engine.pull(reference, wanted.wish.platform, on_progress)
    if found.layers != wanted.locked.layers:
        raise _moved(wanted, f"{reference} has other layers on this platform")
    ports.engine.tag(found.id, wanted.name)
    return wanted.name


def _loaded(wanted: Wanted, found: tuple[LayerFile, ...], ports: Ports, on_progress: OnProgress) -> str:
    """Put together here from its layers, under a config of ours: what counts of the base are its files."""
    parts = [Part(label=wanted.label, layer=layer) for layer in found]
    config = Configured(env=wanted.locked.env, labels=wanted.locked.labels)
    image = assembly.assemble(parts, config, _arch(wanted), wanted.locked.created)
    with ports.shared.slot():
        ports.engine.tag(ports.engine.load(image, on_progress, ports.cancel), wanted.name)
    return wanted.name


def _arch(wanted: Wanted) -> str:
    return ARCHES[wanted.wish.platform]


def _layers(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> tuple[LayerFile, ...]:
    return known(wanted, ports) or _brought(wanted, ports, on_progress)


def known(wanted: Wanted, ports: Ports) -> tuple[LayerFile, ...] | None:
    """The layers where this machine has them: in its cache, in the mirror folder, or bootstrapped before."""
    found = [ports.checked(_key(diff_id)) for diff_id in wanted.locked.layers]
    here = tuple(as_file(layer) for layer in found if layer)
    if tuple(layer.diff_id for layer in here) == wanted.locked.layers:
        return here
    files = ports.source.base_layers(wanted.locked.layers)
    return kept(wanted, files, ports) if files else None


def _brought(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> tuple[LayerFile, ...]:
    """The layers from where they come: made from the distribution's mirror, or out of the engine."""
    if wanted.locked.origin == "bootstrap":
        return _bootstrapped(wanted, ports, on_progress)
    name = in_engine(wanted, ports, on_progress)
    step = f"read the layers of {wanted.locked.reference}"
    with ports.shared.slot(), ports.scratch() as scratch, under_way(step, on_progress):
        files = tuple(layer.path for layer in ports.engine.save(name, (), scratch))
        return kept(wanted, files, ports)


def _bootstrapped(wanted: Wanted, ports: Ports, on_progress: OnProgress) -> tuple[LayerFile, ...]:
    os = wanted.wish.os
    with ports.shared.slot(), under_way(f"bootstrap {os.name}", on_progress):
        ports.go_on()
        tar = ports.source.bootstrap(os.name, os.codename or "", ports.go_on, _arch(wanted))
    if f"sha256:{ports.source.rootfs(tar).sha256}" not in wanted.locked.layers:
        raise _moved(wanted, "the distribution's mirror gives newer packages by now")
    return kept(wanted, (tar,), ports)


def kept(wanted: Wanted, files: Sequence[Path], ports: Ports) -> tuple[LayerFile, ...]:
    """The files in the cache of layers, each under its diff_id. Raises `OutsideError` for other layers."""
    found = []
    for diff_id, path in zip(wanted.locked.layers, files, strict=True):
        layer = ports.layers.adopt(_key(diff_id), wanted.label, path, diff_id)
        if layer is None:
            raise _moved(wanted, f"its layer {diff_id[:19]} is not what it was")
        found.append(as_file(layer))
    return tuple(found)


def _key(diff_id: str) -> str:
    return key_of("base", diff_id)


def _moved(wanted: Wanted, why: str) -> EnvbuildError:
    return OutsideError.of(
        f"{wanted.locked.reference} cannot be had as it was locked: {why}",
        hint="`envbuild lock MATRIX --upgrade` locks what is there now; `envbuild fetch` keeps it for later",
    )


def as_file(layer: Layer) -> LayerFile:
    """A layer as the engine takes it."""
    return LayerFile(diff_id=layer.diff_id, size=layer.size, path=layer.path)
