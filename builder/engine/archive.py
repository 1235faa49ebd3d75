"""An assembled image → the one archive that every engine takes.

It is a Docker archive (`manifest.json`, all that Docker's own stores read) and an OCI layout (`index.json`,
which containerd's store and Podman prefer) over the same blobs, as Docker writes it itself since version 25.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator

from builder.engine import context
from builder.engine.api import MANIFEST, Assembled, Entry, LayerFile, OnProgress, Progress
from builder.errors import OutsideError

STEP = "load the image"


def stream(
    image: Assembled, without: Collection[str], on_progress: OnProgress, cancel: threading.Event
) -> Iterator[bytes]:
    """The archive less the layers `without`, in pieces; tells how much of it is sent.

    Raises `OutsideError` when a layer's file is gone or changed its size.
    """
    layers = missing(image, without)
    for layer in layers:
        _check(layer)
    entries = (
        *_documents(image),
        *(Entry(path=_blob(layer.diff_id), content=layer.path) for layer in layers),
    )
    total, current = sum(context.size_of(entry) for entry in entries), 0
    on_progress(Progress(step=STEP, current=0, total=total))
    for piece in context.stream(entries, cancel):
        yield piece
        current = min(current + len(piece), total)  # headers and padding are not counted as something to do
        on_progress(Progress(step=STEP, current=current, total=total))


def missing(image: Assembled, without: Collection[str]) -> tuple[LayerFile, ...]:
    """The layers that are to be sent, each once, from the lowest on."""
    once = {layer.diff_id: layer for layer in image.layers if layer.diff_id not in without}
    return tuple(once.values())


def _documents(image: Assembled) -> tuple[Entry, ...]:
    found = {"mediaType": MANIFEST, "digest": image.manifest_id, "size": len(image.manifest)}
    docker = {
        "Config": _blob(image.id),
        "RepoTags": None,
        "Layers": [_blob(layer.diff_id) for layer in image.layers],
    }
    return (
        Entry(path="oci-layout", content=b'{"imageLayoutVersion":"1.0.0"}'),
        Entry(path="index.json", content=_json({"schemaVersion": 2, "manifests": [found]})),
        Entry(path="manifest.json", content=_json([docker])),
        Entry(path=_blob(image.manifest_id), content=image.manifest),
        Entry(path=_blob(image.id), content=image.config),
    )


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _check(layer: LayerFile) -> None:
    try:
        found = layer.path.stat().st_size
    except OSError as error:
        raise OutsideError.of(f"the layer {layer.path} cannot be read: {error.strerror}") from error
    if found != layer.size:
        raise OutsideError.of(f"the layer {layer.path} has {found} bytes, and should have {layer.size}")
