"""Lock + cell → provenance: an in-toto Statement (v1) with SLSA's provenance (v1) as its predicate, as JSON.

in-toto.io/Statement/v1, slsa.dev/spec/v1.0/provenance. Unsigned: whoever publishes signs.

BUILD_TYPE, `https://envbuild.dev/build/v1`, means: `envbuild build` put the image together from the files
under `resolvedDependencies`, without a network but for what `internalParameters.unpinned` names.

    externalParameters.cell         the combination that a user asked for: id, os, python, cuda, torch, arch,
                                    provider (of Python), flavor
    internalParameters.canonical    number of the canonical form that layers and config have
    internalParameters.envbuild     version
    internalParameters.epoch        seconds since 1970, the newest time in the image; no clock is told
    internalParameters.lock         sha256 of the lock in its canonical text
    internalParameters.matrix       sha256 of what the matrix says
    internalParameters.recipe       sha256 of the rendered folder: Dockerfile and context
    internalParameters.unpinned     why some inputs are not listed; missing where all are
    resolvedDependencies            the base (by its registry's digest, where it has one) and each of its
                                    layers (uncompressed), the interpreter's archive, wheels, the
                                    distribution's packages; `uri` where everybody can have them
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from builder.cell import Cell
from builder.errors import InputError
from builder.lock import Lock, LockedBase, LockedCell
from builder.lock import dumps as lock_text
from builder.papers.parts import purl
from builder.papers.values import Subject
from builder.papers.writing import dumps, identity
from builder.source.api import Pin

MEDIA_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://envbuild.dev/build/v1"
BUILDER = "https://envbuild.dev/builder/v1"
ASKED = ("id", "os", "python", "cuda", "torch", "arch", "provider", "flavor")

Json = dict[str, Any]


def statement(subject: Subject, cell: Cell, lock: Lock) -> bytes:
    """How that image of that cell came about. The same bytes for equal inputs.

    Raises `InputError` where the lock does not have the cell, or not all that it refers to.
    """
    locked = lock.cell(cell.id)
    base = lock.base(locked.base, locked.platform) if locked else None
    system = lock.system(locked.system) if locked else None
    if locked is None or base is None or system is None:
        raise InputError.of(f"{cell.id} is not in the lock", hint="the image was made from another lock")
    internal: Json = {
        "canonical": lock.canonical,
        "envbuild": subject.version,
        "epoch": subject.epoch,
        "lock": f"sha256:{hashlib.sha256(lock_text(lock).encode()).hexdigest()}",
        "matrix": lock.matrix,
        "recipe": locked.recipe,
        **({"unpinned": [system.why]} if system.why else {}),
    }
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {"cell": {name: getattr(cell, name) for name in ASKED}},
        "internalParameters": internal,
        "resolvedDependencies": [*_base(base), *_files(locked, system.packages or ())],
    }
    body = {
        "_type": STATEMENT,
        "subject": [{"name": subject.name, "digest": {"sha256": subject.sha256}}],
        "predicateType": PREDICATE,
    }
    run = {"builder": {"id": BUILDER, "version": {"envbuild": subject.version}}}
    invocation = f"urn:uuid:{identity({**body, 'predicate': [definition, run]})}"
    run["metadata"] = {"invocationId": invocation}
    return dumps({**body, "predicate": {"buildDefinition": definition, "runDetails": run}})


def _base(base: LockedBase) -> list[Json]:
    layers = [
        {"name": f"{base.reference} layer {number}", "digest": _digest(layer)}
        for number, layer in enumerate(base.layers, start=1)
    ]
    if base.digest is None:
        return layers
    return [
        {"name": base.reference, "uri": _image_url(base, base.digest), "digest": _digest(base.digest)},
        *layers,
    ]


def _image_url(base: LockedBase, digest: str) -> str:
    """The package URL of a registry's image; Docker Hub's need not be named."""
    name = (base.pinned or base.reference).partition("@")[0]
    registry, slash, rest = name.partition("/")
    named = slash and ("." in registry or ":" in registry or registry == "localhost")
    folder, _, last = (rest if named else name).rpartition("/")
    kind = f"docker/{folder}" if folder else "docker"
    return purl(kind, last, digest, {"repository_url": registry} if named else None)


def _digest(digest: str) -> Json:
    return {"sha256": digest.removeprefix("sha256:")}


def _files(locked: LockedCell, packages: Iterable[Pin]) -> list[Json]:
    debs = sorted(packages, key=lambda pin: pin.filename)
    wheels = sorted(locked.wheels, key=lambda pin: pin.filename)
    archive = [locked.interpreter] if locked.interpreter else []
    return [
        {"name": pin.filename, "digest": _digest(pin.sha256), **({"uri": pin.url} if pin.url else {})}
        for pin in (*archive, *wheels, *debs)
    ]
