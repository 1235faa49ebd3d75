"""Verified image + what is in it → its papers, each with the manifest by which a registry attaches it.

A paper is an OCI artifact: a manifest with the image's as `subject`, an empty config, and one layer, the
document. The same image and verdict give the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

from builder import __version__
from builder.engine.api import MANIFEST
from builder.papers import Contents, Subject, cyclonedx, provenance, spdx
from builder.papers.writing import dumps, moment
from builder.registry.api import Blob, Registry
from builder.release.values import Verified

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
PREDICATE = "in-toto.io/predicate-type"  # tells attestations apart, which have one media type
VERIFICATION = "https://envbuild.dev/verification/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document about the image whose manifest is `subject`. `kind` is its media type, and the artifact type
    by which it is found.
    """

    name: str  # as a file
    kind: str
    predicate: str  # of an attestation; else empty
    content: bytes
    subject: bytes
    epoch: int

    @property
    def body(self) -> bytes:
        """Its own manifest."""
        content, subject = _descriptor(self.kind, self.content), _descriptor(MANIFEST, self.subject)
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": self.kind,
            "config": _descriptor(EMPTY_TYPE, EMPTY),
            "layers": [{**content, "annotations": {"org.opencontainers.image.title": self.name}}],
            "subject": subject,
            "annotations": {
                "org.opencontainers.image.created": moment(self.epoch),
                **({PREDICATE: self.predicate} if self.predicate else {}),
            },
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return _digest(self.body)


def papers(verified: Verified, contents: Contents, name: str, manifest: bytes) -> tuple[Paper, ...]:
    """The papers of an image that goes to the repository `name` (host/path) as `manifest`."""
    locked = verified.locked
    cell, epoch = locked.recipe.cell, locked.epoch
    subject = Subject(name=name, digest=_digest(manifest), cell=cell.id, epoch=epoch, version=__version__)
    pins = (*locked.cell.pins, *(locked.system.packages or ()))
    bill, spdx_bill = cyclonedx.document(contents, subject, pins), spdx.document(contents, subject, pins)
    origin, verdict = provenance.statement(subject, cell, verified.lock), _verdict(verified, subject)
    documents = (
        ("sbom.cdx.json", cyclonedx.MEDIA_TYPE, "", bill),
        ("sbom.spdx.json", spdx.MEDIA_TYPE, "", spdx_bill),
        ("provenance.json", provenance.MEDIA_TYPE, provenance.PREDICATE, origin),
        ("verification.json", provenance.MEDIA_TYPE, VERIFICATION, verdict),
    )
    return tuple(
        Paper(name=file, kind=kind, predicate=predicate, content=content, subject=manifest, epoch=epoch)
        for file, kind, predicate, content in documents
    )


def attach(paper: Paper, registry: Registry, path: str) -> None:
    """Put a paper beside its subject, which the registry has, as it has the empty config (`send_empty`).
    Raises `OutsideError` where that fails.
    """
    _send(paper.content, registry, path)
    registry.attach(path, paper.body, MANIFEST)


def send_empty(registry: Registry, path: str) -> None:
    """See to the config that all papers of a repository have."""
    _send(EMPTY, registry, path)


def _send(content: bytes, registry: Registry, path: str) -> None:
    blob = Blob(digest=_digest(content), size=len(content), open=lambda: io.BytesIO(content))
    registry.send(path, blob, lambda *_: None)


def _verdict(verified: Verified, subject: Subject) -> bytes:
    """The verdict as an in-toto statement on the image's manifest."""
    return dumps(
        {
            "_type": provenance.STATEMENT,
            "subject": [{"name": subject.name, "digest": {"sha256": subject.sha256}}],
            "predicateType": VERIFICATION,
            "predicate": dataclasses.asdict(verified.proof),
        }
    )


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
