"""Manifests and indexes: read by tag or digest, put, and read back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from builder.errors import InputError
from builder.registry.api import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, Manifest
from builder.registry.asking import Repository
from builder.registry.names import DIGEST
from builder.registry.retrying import PassingError, RefusedError

LARGEST = 4 << 20  # bytes, what registries take
KINDS = (MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX)


def digest_of(body: bytes) -> str:
    """`sha256:…`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def read(place: Repository, reference: str) -> Manifest | None:
    """What a tag or digest names, or None."""
    return place.until(f"reading {_named(place, reference)}", lambda: read_once(place, reference))


def read_once(place: Repository, reference: str) -> Manifest | None:
    """One look. Raises `PassingError` for bytes that are not what was asked for or announced."""
    with place.look("GET", f"manifests/{reference}", (200, 404), {"Accept": ", ".join(KINDS)}) as reply:
        if reply.status == 404:
            return None
        body, announced = reply.read(LARGEST), reply.headers.get("Docker-Content-Digest", "")
        kind = reply.headers.get("Content-Type", "").partition(";")[0].strip()
    digest = digest_of(body)
    for wanted in (reference, announced):
        if DIGEST.fullmatch(wanted) and wanted != digest:
            raise PassingError(f"the bytes that came are {digest[:19]}, not {wanted[:19]}")
    inner = document(body).get("mediaType")
    if inner and kind in KINDS and inner != kind:
        raise RefusedError(f"it is announced as {kind}, and says of itself {str(inner)[:100]}")
    return Manifest(digest=digest, media_type=str(inner or kind), body=body)


def document(body: bytes) -> dict[str, Any]:
    """A manifest's JSON. Raises `PassingError` for anything else: it may have come only in part."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PassingError("what came is no manifest")
    return found


def put(place: Repository, body: bytes, media_type: str, reference: str | None) -> str:
    """Put a manifest under `reference` (None: its digest), read it back, compare. Its digest."""
    target = reference or digest_of(body)
    place.until(f"putting {_named(place, target)}", lambda: put_once(place, body, media_type, target))
    return digest_of(body)


def put_once(place: Repository, body: bytes, media_type: str, target: str) -> str | None:
    """One attempt, read back: `PassingError` where the registry has another manifest there then. The subject
    under which the registry says that it lists it, if it says so.
    """
    if len(body) > LARGEST:
        raise InputError.of(f"a manifest of {len(body)} bytes is too long: registries take {LARGEST}")
    digest, kind = digest_of(body), {"Content-Type": media_type}
    with place.send("PUT", place.at(f"manifests/{target}"), (200, 201), kind, body) as reply:
        announced, subject = reply.headers.get("Docker-Content-Digest"), reply.headers.get("OCI-Subject")
    found = read_once(place, target)
    told = announced or digest, found.digest if found else "nothing"
    for there in told:
        if there != digest:
            raise PassingError(f"{digest[:19]} was put, and the registry has {there[:19]} there")
    return subject


def _named(place: Repository, reference: str) -> str:
    return f"{place}@{reference[:19]}" if DIGEST.fullmatch(reference) else f"{place}:{reference}"
