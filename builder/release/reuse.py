"""Layers that a registry has already, packed by whatever packer: by diff_id, as its own manifests tell.

Another version of a packer gives other bytes for the same layer. With what is there, an image keeps its
manifest, and its tags need not move. That the registry tells the truth is not proven here: an engine that
pulls a layer compares it with its diff_id.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from builder.engine.api import LAYER, Assembled
from builder.errors import OutsideError
from builder.registry.api import Manifest, Registry
from builder.registry.names import DIGEST

GZIP = {"application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip"}  # Docker's name for it
LARGEST = 4 << 20  # bytes of a config

Known = dict[str, tuple[str, int]]  # diff_id → digest and bytes of the blob


def known(
    made: Assembled, found: Iterable[Manifest | None], media_type: str, path: str, registry: Registry
) -> Known:
    """The image's layers as these manifests of the repository have them, packed as `media_type` says."""
    wanted, told = {layer.diff_id for layer in made.layers}, Known()
    for manifest in found:
        for diff_id, blob in _layers(manifest, made, media_type, path, registry) if manifest else ():
            if diff_id in wanted and diff_id not in told and registry.has(path, blob[0]) == blob[1]:
                told[diff_id] = blob
    return told


def _layers(
    manifest: Manifest, made: Assembled, media_type: str, path: str, registry: Registry
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Diff_id and blob of each layer; nothing of a manifest that is not plain."""
    try:
        document = json.loads(manifest.body)
        rows = [(str(row["mediaType"]), row["digest"], row["size"]) for row in document["layers"]]
        diff_ids = _diff_ids(document["config"], made, path, registry)
        pairs = list(zip(diff_ids, rows, strict=True))
    except (ValueError, KeyError, TypeError, RecursionError, OutsideError):
        return
    for diff_id, (kind, digest, size) in pairs:
        plain = isinstance(digest, str) and DIGEST.fullmatch(digest) and isinstance(size, int)
        if GZIP.get(kind, kind) == media_type and plain and isinstance(diff_id, str):
            yield diff_id, (digest, size)


def _diff_ids(config: dict[str, Any], made: Assembled, path: str, registry: Registry) -> list[Any]:
    """The layers that a config names. It need not be fetched where it is the image's own."""
    if config["digest"] == made.id:
        return [layer.diff_id for layer in made.layers]
    sink = io.BytesIO()
    if not 0 < config["size"] <= LARGEST or not DIGEST.fullmatch(config["digest"]):
        raise ValueError
    registry.fetch(path, config["digest"], sink, lambda *_: None, size=config["size"])
    return list(json.loads(sink.getvalue())["rootfs"]["diff_ids"])
