"""Contents → a bill of materials in SPDX 2.3, as JSON (spdx.github.io/spdx-spec/v2.3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from builder.papers.parts import Part, parts
from builder.papers.values import Contents, Package, Release, Subject
from builder.papers.writing import dumps, identity, moment
from builder.source.api import Pin

MEDIA_TYPE = "application/spdx+json"
NAMESPACE = "https://envbuild.dev/spdx/"
DOCUMENT, IMAGE, SYSTEM = "SPDXRef-DOCUMENT", "SPDXRef-image", "SPDXRef-os"
PURPOSES = {"python": "LIBRARY", "interpreter": "APPLICATION", "system": "LIBRARY"}
UNTOLD = "NOASSERTION"

Json = dict[str, Any]


def document(contents: Contents, subject: Subject, pins: Iterable[Pin]) -> bytes:
    """The bill of materials; `pins` as `parts` takes them. The same bytes for equal inputs, in any order.

    A package's checksum and address are those of the file it was installed from. Licences are what the
    authors declare. The time is the epoch, the namespace is made of the rest.
    """
    found = parts(contents, pins)
    packages = [_image(subject), _release(contents.os), *map(_package, found)]
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": subject.pinned,
        "creationInfo": {
            "created": moment(subject.epoch),
            "creators": [f"Tool: envbuild-{subject.version}"],
        },
        "packages": packages,
        "hasExtractedLicensingInfos": _texts(part.package for part in found),
        "relationships": [
            _relationship(DOCUMENT, "DESCRIBES", IMAGE),
            *(_relationship(IMAGE, "CONTAINS", each["SPDXID"]) for each in packages[1:]),
        ],
    }
    return dumps({**body, "documentNamespace": f"{NAMESPACE}{identity(body)}"})


def _relationship(one: str, kind: str, other: str) -> Json:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _described(ident: str, name: str, purpose: str) -> Json:
    """What every package says, and mostly that nobody tells."""
    return {
        "SPDXID": ident,
        "name": name,
        "primaryPackagePurpose": purpose,
        "downloadLocation": UNTOLD,
        "filesAnalyzed": False,
        "licenseConcluded": UNTOLD,
        "licenseDeclared": UNTOLD,
        "copyrightText": UNTOLD,
    }


def _image(subject: Subject) -> Json:
    return {
        **_described(IMAGE, subject.cell, "CONTAINER"),
        "versionInfo": subject.digest,
        "checksums": [_checksum(subject.sha256)],
        "comment": f"envbuild's cell {subject.cell}",
    }


def _release(system: Release) -> Json:
    return {
        **_described(SYSTEM, system.id, "OPERATING_SYSTEM"),
        "summary": system.title,
        **({"versionInfo": system.version} if system.version else {}),
    }


def _package(part: Part) -> Json:
    package = part.package
    told = {
        **_described(_ident(part), package.spelled, PURPOSES[part.kind]),
        "versionInfo": package.version,
        "licenseDeclared": package.expression or _reference(package) or UNTOLD,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": part.purl,
            }
        ],
    }
    if package.source:
        told["sourceInfo"] = f"built from source package {package.source} {package.source_version}"
    if part.pin:
        told["checksums"] = [_checksum(part.pin.sha256)]
        told["packageFileName"] = part.pin.filename
        told["downloadLocation"] = part.pin.url or UNTOLD
    return told


def _ident(part: Part) -> str:
    """A name for this document, of the characters that SPDX allows."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", part.package.name)
    return f"SPDXRef-{part.kind}-{name}-{_short(part.purl)}"


def _reference(package: Package) -> str:
    """The name of a licence that is told in words; equal words have one name."""
    return f"LicenseRef-{_short(package.licence)}" if package.licence else ""


def _texts(packages: Iterable[Package]) -> list[Json]:
    """What these names stand for, each once."""
    texts = {_reference(package): package.licence for package in packages if package.licence}
    return [
        {"licenseId": name, "name": text.partition("\n")[0][:100], "extractedText": text}
        for name, text in sorted(texts.items())
    ]


def _checksum(sha256: str) -> Json:
    return {"algorithm": "SHA256", "checksumValue": sha256}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
