"""Verified image + registry → Plan: what would be sent and tagged. A dry run shows it, `publish` does it."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Literal

from builder.engine.api import LayerFile
from builder.papers import contents
from builder.ports import Ports
from builder.registry.api import Registry
from builder.release import attachments, manifests
from builder.release.attachments import Paper
from builder.release.packing import Packed, Packing
from builder.release.values import Verified, refused

Step = Literal["new", "moves", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to: `path` in the registry and the tags to put. `immutable` are those that must not move."""

    path: str
    tags: tuple[str, ...]
    immutable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A registry, how layers are packed for it, and the ports of the run."""

    registry: Registry
    packing: Packing
    ports: Ports


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


def planned(verified: Verified, target: Target, outside: Outside) -> Plan:
    """What is to be done for one image. Raises `CellError` for a tag that would move and must not."""
    layers = {layer.diff_id: layer for layer in verified.made.layers}
    begun = {ident: _packing(layer, outside) for ident, layer in layers.items()}
    packed = {ident: future.result() for ident, future in begun.items()}
    body = manifests.manifest(verified, [packed[layer.diff_id] for layer in verified.made.layers])
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    there = outside.registry.manifest(target.path, digest) is not None
    held = frozenset(
        layer.blob.digest
        for layer in packed.values()
        if there or outside.registry.has(target.path, layer.blob.digest) is not None
    )
    tags = tuple(tagging(tag, digest, target.path, outside.registry) for tag in target.tags)
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


def _papers(verified: Verified, body: bytes, target: Target, outside: Outside) -> tuple[Paper, ...]:
    with outside.ports.shared.slot():
        found = contents(verified.image.stored, outside.ports)
    return attachments.papers(verified, found, f"{outside.registry.host}/{target.path}", body)


def _packing(layer: LayerFile, outside: Outside) -> Future[Packed]:
    """A layer that several cells have is packed once."""
    shared = outside.ports.shared
    return shared.begin(f"packed {layer.diff_id}", partial(_packed, layer, outside))


def _packed(layer: LayerFile, outside: Outside) -> Packed:
    with outside.ports.shared.slot():
        return outside.packing.packed(layer)


def tagging(tag: str, digest: str, path: str, registry: Registry) -> Tagging:
    """What becomes of a tag that is to name `digest`."""
    found = registry.manifest(path, tag)
    if found is None:
        return Tagging(tag=tag, step="new", before=None)
    return Tagging(tag=tag, step="same" if found.digest == digest else "moves", before=found.digest)
