"""Contents → a bill of materials in CycloneDX 1.6, as JSON (ECMA-424; cyclonedx.org/docs/1.6/json)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from builder.papers.parts import Part, parts
from builder.papers.values import Contents, Package, Release, Subject
from builder.papers.writing import dumps, identity, moment
from builder.source.api import Pin

MEDIA_TYPE = "application/vnd.cyclonedx+json"
TYPES = {"python": "library", "interpreter": "platform", "system": "library"}
ONE_LINE = 100  # characters of a licence's name; what is longer is a text

Json = dict[str, Any]


def document(contents: Contents, subject: Subject, pins: Iterable[Pin]) -> bytes:
    """The bill of materials; `pins` as `parts` takes them. The same bytes for equal inputs, in any order.

    A component's hash is that of the file it was installed from. The time is the epoch, the serial number is
    made of the rest.
    """
    found = parts(contents, pins)
    components = [_release(contents.os), *map(_component, found)]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": moment(subject.epoch),
            "tools": {
                "components": [{"type": "application", "name": "envbuild", "version": subject.version}]
            },
            "component": _image(subject),
        },
        "components": components,
        "dependencies": [
            {"ref": subject.pinned, "dependsOn": sorted(each["bom-ref"] for each in components)}
        ],
    }
    return dumps({**body, "serialNumber": f"urn:uuid:{identity(body)}"})


def _image(subject: Subject) -> Json:
    return {
        "type": "container",
        "bom-ref": subject.pinned,
        "name": subject.cell,
        "version": subject.digest,
        "hashes": [_hash(subject.sha256)],
        "properties": [{"name": "org.envbuild.cell", "value": subject.cell}],
    }


def _release(system: Release) -> Json:
    return {
        "type": "operating-system",
        "bom-ref": f"os:{system.distro}",
        "name": system.id,
        "description": system.title,
        **({"version": system.version} if system.version else {}),
    }


def _component(part: Part) -> Json:
    package = part.package
    component: Json = {
        "type": TYPES[part.kind],
        "bom-ref": part.purl,
        "purl": part.purl,
        "name": package.spelled,
        "version": package.version,
    }
    if package.expression or package.licence:
        component["licenses"] = [_licence(package)]
    if package.source:
        source = f"{package.source} {package.source_version}"
        component["properties"] = [{"name": "org.envbuild.source", "value": source}]
    if part.pin:
        component["hashes"] = [_hash(part.pin.sha256)]
    if part.pin and part.pin.url:
        component["externalReferences"] = [
            {"type": "distribution", "url": part.pin.url, "hashes": [_hash(part.pin.sha256)]}
        ]
    return component


def _licence(package: Package) -> Json:
    """What the authors declare: an expression, a name, or a text with its first line as the name."""
    if package.expression:
        return {"expression": package.expression, "acknowledgement": "declared"}
    told: Json = {"name": package.licence.partition("\n")[0][:ONE_LINE], "acknowledgement": "declared"}
    if told["name"] != package.licence:
        told["text"] = {"contentType": "text/plain", "content": package.licence}
    return {"license": told}


def _hash(sha256: str) -> Json:
    return {"alg": "SHA-256", "content": sha256}
