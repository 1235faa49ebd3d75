"""The papers of an image: what each kind must say of it, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.papers import cyclonedx, provenance, spdx
from builder.release.attachments import PREDICATE, VERIFICATION
from builder.released.documents import OddError, rows, take, word
from builder.released.values import Verdict

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a paper tells beside what it must: a part of these."""

    packages: tuple[str, ...] | None = None  # package URLs, sorted; of a bill of materials alone
    verdict: Verdict | None = None
    cell: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The image that a paper must be about: its manifest's digest and its config's."""

    digest: str
    image: str


def bill(document: Json, about: About) -> Told:
    """A bill of materials in CycloneDX's form."""
    _same(word(document, "metadata", "component", "version"), about.digest)
    packages = [one for one in rows(document, "components") if "purl" in one]
    for one in packages:
        word(one, "name")
        word(one, "version")
    return Told(packages=_some(sorted(word(one, "purl") for one in packages)))


def spdx_bill(document: Json, about: About) -> Told:
    """A bill of materials in SPDX's form."""
    root = next((one for one in rows(document, "packages") if one.get("SPDXID") == spdx.IMAGE), {})
    _same(word(root, "versionInfo"), about.digest)
    found = [
        word(ref, "referenceLocator")
        for one in rows(document, "packages")
        for ref in (rows(one, "externalRefs") if "externalRefs" in one else ())
        if ref.get("referenceType") == "purl"
    ]
    return Told(packages=_some(sorted(found)))


def _some(packages: list[str]) -> tuple[str, ...]:
    """An image without packages is none that has a Python."""
    if not packages:
        raise OddError("it lists no packages")
    return tuple(packages)


def origin(document: Json, about: About) -> Told:
    """How it came about."""
    _subject(document, about)
    definition = take(document, dict, "predicate", "buildDefinition")
    cell = word(definition, "externalParameters", "cell", "id")
    word(definition, "internalParameters", "lock")
    rows(definition, "resolvedDependencies")
    return Told(cell=cell)


def verdict(document: Json, about: About) -> Told:
    """The verdict that let it be published."""
    _subject(document, about)
    proof = take(document, dict, "predicate")
    if word(proof, "image") != about.image:
        raise OddError(f"it is the verdict on another image ({word(proof, 'image')[:19]})")
    if word(proof, "status") != "passed":
        raise OddError(f"it says: {word(proof, 'status')}")
    checks = rows(proof, "checks")
    _sound(proof, checks)
    losses = [one["values"].get("losses") for one in checks if isinstance(one.get("values"), dict)]
    curve = next((one for one in losses if isinstance(one, list) and one), [None])
    loss = float(curve[-1]) if isinstance(curve[-1], (int, float)) else None
    return Told(
        cell=word(proof, "cell"),
        verdict=Verdict(status="passed", level=word(proof, "level"), checks=len(checks), loss=loss),
    )


def _sound(proof: Json, checks: list[Json]) -> None:
    """A verdict that lets an image be published is what its own checks come to."""
    if word(proof, "level") == "static":
        raise OddError("nothing was trained for it (level static)")
    bad = [
        word(one, "id") for one in checks if one.get("required") and one.get("status") not in ("pass", "warn")
    ]
    if bad or not any(one.get("required") for one in checks):
        raise OddError(f"its checks say otherwise: {', '.join(bad[:4]) or 'there are none'}")


# By artifact type and predicate: the name as a file, and how to read it.
KINDS: dict[tuple[str, str], tuple[str, Callable[[Json, About], Told]]] = {
    (cyclonedx.MEDIA_TYPE, ""): ("sbom.cdx.json", bill),
    (spdx.MEDIA_TYPE, ""): ("sbom.spdx.json", spdx_bill),
    (provenance.MEDIA_TYPE, provenance.PREDICATE): ("provenance.json", origin),
    (provenance.MEDIA_TYPE, VERIFICATION): ("verification.json", verdict),
}


def kind_of(artifact_type: str, manifest: Json) -> tuple[str, Callable[[Json, About], Told]] | None:
    """Which of the papers a manifest carries, None for what others attached."""
    told = manifest.get("annotations")
    predicate = told.get(PREDICATE, "") if isinstance(told, dict) else ""
    return KINDS.get((artifact_type, predicate if isinstance(predicate, str) else ""))


def _subject(document: Json, about: About) -> None:
    _same(f"sha256:{word(document, 'subject', 0, 'digest', 'sha256')}", about.digest)


def _same(told: str, wanted: str) -> None:
    if told != wanted:
        raise OddError(f"it is about another image ({told[:19]})")
