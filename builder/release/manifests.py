"""Packed layers + a config → the manifest that a registry keeps, the same bytes for equal images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from builder import __version__
from builder.engine.api import CONFIG, MANIFEST
from builder.papers.writing import moment
from builder.registry.api import INDEX
from builder.release.packing import Packed
from builder.release.values import Verified

CELL = "org.envbuild.cell"
INPUTS = "org.envbuild.inputs"  # a digest of all that an image is made from


def manifest(verified: Verified, packed: Sequence[Packed]) -> bytes:
    """The OCI manifest of an image with its layers packed."""
    made = verified.made
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": made.id, "size": len(made.config)},
        "layers": [
            {"mediaType": layer.media_type, "digest": layer.blob.digest, "size": layer.blob.size}
            for layer in packed
        ],
        "annotations": _notes(verified),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def index(images: Sequence[tuple[str, bytes]]) -> bytes:
    """The OCI index of images by platform (`linux/arm64`) and manifest, in the order given."""
    entries = []
    for platform, body in images:
        os, _, architecture = platform.partition("/")
        entries.append(
            {
                "mediaType": MANIFEST,
                "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
                "size": len(body),
                "platform": {"architecture": architecture, "os": os},
            }
        )
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def same_image(there: bytes, own: bytes) -> bool:
    """Whether a registry's manifest is of the same config and blobs as `own`: then it stays, though another
    envbuild wrote other notes on it.
    """
    try:
        found, wanted = json.loads(there), json.loads(own)
        return all(found[part] == wanted[part] for part in ("mediaType", "config", "layers"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _notes(verified: Verified) -> dict[str, str]:
    """What stands on a manifest for people and tools, in the words of the OCI image specification."""
    base, cell = verified.locked.base, verified.locked.recipe.cell
    found = {
        CELL: cell.id,
        INPUTS: verified.locked.inputs,
        "org.envbuild.version": __version__,
        "org.opencontainers.image.base.digest": base.digest or base.layers[-1],
        "org.opencontainers.image.base.name": base.reference,
        "org.opencontainers.image.created": moment(verified.locked.epoch),
        "org.opencontainers.image.title": cell.id,
        "org.opencontainers.image.version": cell.torch,
    }
    return dict(sorted(found.items()))
