"""Manifests that name another as their subject: put and listed, by the registry's own list if it keeps one.

Where it keeps none, clients do, in an index under the tag `sha256-<hex of the subject>`. Nothing there guards
against two writers at the same moment; so it is read again after writing, and written again where it lacks
ours.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from urllib.parse import urljoin

from builder.errors import InputError
from builder.registry import manifests
from builder.registry.api import INDEX, Referrer
from builder.registry.asking import Call, Repository
from builder.registry.names import DIGEST, checked_digest
from builder.registry.retrying import PassingError, RefusedError

LACKING = (404, 405, 501)  # the answers of registries that keep no list
PAGES = 64

Entry = dict[str, Any]  # a descriptor, as it stands in an index
_writing = threading.Lock()  # of indexes, in this process


def attach(place: Repository, body: bytes, media_type: str) -> str:
    """Put a manifest that has a subject, and make sure that it is listed. Its digest."""
    subject, entry = _entry(body, media_type)
    digest = str(entry["digest"])

    def once() -> None:
        if manifests.put_once(place, body, media_type, digest) == subject:
            return
        own = _from_registry(place, subject)
        if own is None:
            _write(place, subject, entry)
        elif not _holds(own, digest):
            raise PassingError("the registry does not list it")

    place.until(f"attaching {digest[:19]} to {place}@{subject[:19]}", once)
    return digest


def find(place: Repository, digest: str, artifact_type: str | None) -> tuple[Referrer, ...]:
    """The referrers of a manifest, each once."""

    def once() -> list[Referrer]:
        own = _from_registry(place, digest)
        return [_referrer(each) for each in (_from_index(place, digest) if own is None else own)]

    listed = place.until(f"reading what is attached to {place}@{digest[:19]}", once)
    found = {each.digest: each for each in listed}
    return tuple(each for each in found.values() if artifact_type in (None, each.artifact_type))


def _write(place: Repository, subject: str, entry: Entry) -> None:
    """Add an entry to the index that stands in for the registry's list."""
    with _writing:
        known = _from_index(place, subject)
        if _holds(known, entry["digest"]):
            return
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*known, entry]}
        body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        manifests.put_once(place, body, INDEX, _tag(subject))  # raises where another client wrote since


def _from_registry(place: Repository, digest: str) -> list[Entry] | None:
    """The registry's own list, all pages of it; None where it keeps none."""
    where, found = place.at(f"referrers/{digest}"), list[Entry]()
    for _ in range(PAGES):
        call = Call(method="GET", where=where, scopes=(place.pull,), headers={"Accept": INDEX})
        with place.asking.ask(call, (200, *LACKING)) as reply:
            if reply.status != 200 or INDEX not in reply.headers.get("Content-Type", ""):
                return None
            found += _entries(reply.read(manifests.LARGEST))
            following = re.search(r'<([^>]*)>\s*;\s*rel="?next"?', reply.headers.get("Link", ""))
        if not following:
            return found
        where = urljoin(where, following[1])
    raise RefusedError(f"its list has more than {PAGES} pages")


def _from_index(place: Repository, subject: str) -> list[Entry]:
    found = manifests.read_once(place, _tag(subject))
    if found and found.media_type != INDEX:
        raise RefusedError(f"the tag {_tag(subject)[:14]} should hold an index, and holds something else")
    return _entries(found.body) if found else []


def _entries(body: bytes) -> list[Entry]:
    found = manifests.document(body).get("manifests")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RefusedError("the list of what is attached is no index")
    return found


def _holds(entries: list[Entry], digest: object) -> bool:
    return digest in [each.get("digest") for each in entries]


def _entry(body: bytes, media_type: str) -> tuple[str, Entry]:
    """What a manifest names as its subject, and how a list names the manifest."""
    try:
        document = json.loads(body)
        subject = checked_digest(str(document["subject"]["digest"]))
        kind = document.get("artifactType") or document["config"]["mediaType"]
    except (ValueError, TypeError, KeyError):
        raise InputError.of("only a manifest with a subject and an artifact type can be attached") from None
    size, told = len(body), document.get("annotations")
    entry = {"mediaType": media_type, "digest": manifests.digest_of(body), "size": size, "artifactType": kind}
    return subject, {**entry, **({"annotations": told} if told else {})}


def _referrer(entry: Entry) -> Referrer:
    digest, size, told = entry.get("digest"), entry.get("size"), entry.get("annotations") or {}
    if not (isinstance(digest, str) and DIGEST.fullmatch(digest) and isinstance(size, int)):
        raise RefusedError("the list of what is attached names something that is no manifest")
    return Referrer(
        digest=digest,
        size=size,
        media_type=str(entry.get("mediaType", "")),
        artifact_type=str(entry.get("artifactType", "")),
        annotations=tuple(sorted((str(name), str(value)) for name, value in dict(told).items())),
    )


def _tag(subject: str) -> str:
    return subject.replace(":", "-")
