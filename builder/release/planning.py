"""Verified image + registry → Plan: what would be sent and tagged. A dry run shows it, `publish` does it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Literal

from builder.engine.api import LayerFile, Progress
from builder.papers import contents
from builder.ports import Ports
from builder.registry.api import Manifest, Registry
from builder.release import attachments, manifests, reuse
from builder.release.attachments import Paper
from builder.release.packing import Packed, Packing
from builder.release.signing import Signer
from builder.release.values import Verified, refused

Step = Literal["new", "moves", "same"]
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to: `path` in the registry and the tags to put. `immutable` are those that must not move;
    `mount_from` other paths of it, which may have the blobs.
    """

    path: str
    tags: tuple[str, ...]
    immutable: frozenset[str] = frozenset()
    mount_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A registry, how layers are packed for it, and the ports of the run."""

    registry: Registry
    packing: Packing
    ports: Ports
    signer: Signer | None = None  # where images are to be signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """What becomes of a tag; `before` is the digest that it names now."""

    tag: str
    step: Step
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One image's way into a registry. `held` are digests of blobs that it has already."""

    verified: Verified
    target: Target
    body: bytes
    packed: tuple[Packed, ...]  # each layer once
    held: frozenset[str]
    there: bool  # the manifest, and with it everything
    papers: tuple[Paper, ...]
    attached: frozenset[str]  # digests of the papers that the registry lists
    tags: tuple[Tagging, ...]

    @property
    def digest(self) -> str:
        """The manifest's."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    @property
    def missing(self) -> tuple[Packed, ...]:
        """The layers to send."""
        return tuple(layer for layer in self.packed if layer.blob.digest not in self.held)


def planned(verified: Verified, target: Target, outside: Outside, on_progress: OnProgress) -> Plan:
    """What is to be done for one image. Raises `CellError` for a tag that would move and must not."""
    named = {tag: outside.registry.manifest(target.path, tag) for tag in target.tags}
    packed = _layers(verified, named.values(), target, outside, on_progress)
    own = manifests.manifest(verified, [packed[layer.diff_id] for layer in verified.made.layers])
    same = (found.body for found in named.values() if found and manifests.same_image(found.body, own))
    body = next(same, own)
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    there = outside.registry.manifest(target.path, digest) is not None
    held = frozenset(
        layer.blob.digest
        for layer in packed.values()
        if there or outside.registry.has(target.path, layer.blob.digest) is not None
    )
    tags = tuple(_tagging(tag, digest, found) for tag, found in named.items())
    fixed = [one for one in tags if one.step == "moves" and one.tag in target.immutable]
    if fixed:
        raise refused(
            verified.image.cell,
            f"the tag {fixed[0].tag} must not move, and names {str(fixed[0].before)[:19]}",
            hint=f"publish under another tag, or move this one all the same: --force {fixed[0].tag}",
        )
    attached = outside.registry.referrers(target.path, digest) if there else ()
    return Plan(
        verified=verified,
        target=target,
        body=body,
        packed=tuple(packed.values()),
        held=held,
        there=there,
        papers=_papers(verified, body, target, outside),
        attached=frozenset(each.digest for each in attached),
        tags=tags,
    )


def _layers(
    verified: Verified,
    found: Iterable[Manifest | None],
    target: Target,
    outside: Outside,
    on_progress: OnProgress,
) -> dict[str, Packed]:
    """Each layer once: as the registry has it, or packed here."""
    packing, made = outside.packing, verified.made
    there = reuse.known(made, found, packing.media_type, target.path, outside.registry)
    begun = {
        layer.diff_id: _packing(layer, outside, on_progress)
        for layer in made.layers
        if layer.diff_id not in there
    }
    known = {layer.diff_id: layer for layer in made.layers if layer.diff_id in there}
    return {
        **{ident: packing.known(layer, *there[ident]) for ident, layer in known.items()},
        **{ident: future.result() for ident, future in begun.items()},
    }


def _papers(verified: Verified, body: bytes, target: Target, outside: Outside) -> tuple[Paper, ...]:
    with outside.ports.shared.slot():
        found = contents(verified.image.stored, outside.ports)
    return attachments.papers(verified, found, f"{outside.registry.host}/{target.path}", body)


def _packing(layer: LayerFile, outside: Outside, on_progress: OnProgress) -> Future[Packed]:
    """A layer that several cells have is packed once."""
    shared = outside.ports.shared
    return shared.begin(f"packed {layer.diff_id}", partial(_packed, layer, outside, on_progress))


def _packed(layer: LayerFile, outside: Outside, on_progress: OnProgress) -> Packed:
    def tell(now: int, total: int) -> None:
        on_progress(Progress(step=f"pack {layer.diff_id[7:19]}", current=now, total=total))

    with outside.ports.shared.slot():
        return outside.packing.packed(layer, tell)


def tagging(tag: str, digest: str, path: str, registry: Registry) -> Tagging:
    """What becomes of a tag that is to name `digest`."""
    return _tagging(tag, digest, registry.manifest(path, tag))


def _tagging(tag: str, digest: str, found: Manifest | None) -> Tagging:
    if found is None:
        return Tagging(tag=tag, step="new", before=None)
    return Tagging(tag=tag, step="same" if found.digest == digest else "moves", before=found.digest)
