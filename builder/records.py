"""Rooms' values on disk: one JSON file per value, written whole or not at all, each naming what it was made
from.

The schema of these files is published as `docs/records.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder import files, plainjson
from builder.check import Check, well_formed
from builder.events import Stage
from builder.image import Image, Piece
from builder.timeline import Run, Span
from builder.verification import Verification

SCHEMA = "envbuild.records/1"


def plain(value: Any) -> Any:
    """A value as JSON knows it: dataclasses become objects, tuples arrays, paths text. Pairs of a
    mapping-like tuple stay pairs.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, Path) else value


def dumps(value: Any) -> str:
    """The JSON text of a value: stable key order as declared, ASCII only, newline at the end."""
    return json.dumps(plain(value), indent=2, ensure_ascii=True) + "\n"


def write(folder: Path, kind: str, value: Any, parent: str | None) -> Path:
    """Write `value` as `<folder>/<kind>.json`; `parent` is the digest or id of what it was made from."""
    path = folder / f"{kind}.json"
    body = {"schema": SCHEMA, "kind": kind, "parent": parent, "value": plain(value)}
    files.write(path, (json.dumps(body, indent=2, ensure_ascii=True) + "\n").encode())
    return path


def _read(folder: Path, kind: str) -> dict[str, Any] | None:
    """The value part of a record, or None where there is none or it is not ours."""
    try:
        body = plainjson.loads((folder / f"{kind}.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(body, dict) or body.get("schema") != SCHEMA or body.get("kind") != kind:
        return None
    value = body.get("value")
    return value if isinstance(value, dict) else None


def _fits(value: Any, numbers: tuple[str, ...], texts: tuple[str, ...]) -> bool:
    """Whether the fields that others calculate with, or look up, are of their types."""
    return all(isinstance(getattr(value, name), (int, float)) for name in numbers) and all(
        isinstance(getattr(value, name), str) for name in texts
    )


def read_image(folder: Path) -> Image | None:
    """The image that was built into this folder, or None."""
    return image_of(_read(folder, "image"))


def image_of(told: Any) -> Image | None:
    """The image that JSON tells of, or None where it tells of none."""
    try:
        value = dict(told)
        packages = tuple((str(name), str(version)) for name, version in value.pop("packages"))
        layers = tuple(Piece(**piece) for piece in value.pop("layers"))
        image = Image(packages=packages, layers=layers, tags=tuple(map(str, value.pop("tags"))), **value)
    except (KeyError, TypeError, ValueError):
        return None
    texts = ("cell", "id", "stored", "base", "origin", "recipe", "inputs")
    return image if _fits(image, ("size", "seconds"), texts) else None


def read_verification(folder: Path) -> Verification | None:
    """The verdict that was reached in this folder, or None."""
    return verification_of(_read(folder, "verification"))


def verification_of(told: Any) -> Verification | None:
    """The verdict that JSON tells of, or None where it tells of none."""
    try:
        value = dict(told)
        checks = tuple(
            Check(**{**check, "warnings": tuple(check["warnings"])}) for check in value.pop("checks")
        )
        proof = Verification(checks=checks, **value)
    except (KeyError, TypeError, ValueError):
        return None
    texts = ("image", "status", "level", "verifier", "asked", "wanted")
    whole = _fits(proof, ("seconds",), texts) and isinstance(proof.reason, (str, type(None)))
    whole = whole and isinstance(proof.environment, dict) and isinstance(proof.fingerprint, dict)
    return proof if whole and all(map(well_formed, checks)) else None


def write_run(folder: Path, run: Run) -> None:
    """When what went on: beside the run that built, the last one that only verified what it had built."""
    stages = {span.label for span in run.spans if span.cell}
    if stages == {"verify"}:
        write(folder, "run-verify", run, None)
    elif stages:  # else everything was kept, and the runs before tell more
        (folder / "run-verify.json").unlink(missing_ok=True)
        write(folder, "run", run, None)


def read_runs(folder: Path) -> tuple[Run, ...]:
    """What `write_run` has left there, oldest first."""
    return tuple(run for kind in ("run", "run-verify") if (run := _run(_read(folder, kind))))


def _run(value: dict[str, Any] | None) -> Run | None:
    if value is None:
        return None
    try:
        spans = tuple(_span(span) for span in value.pop("spans"))
        run = Run(spans=spans, **value)
    except (KeyError, TypeError, ValueError):
        return None
    return run if _fits(run, ("seconds", "jobs"), ("begun", "engine")) else None


def _span(told: Mapping[str, Any]) -> Span:
    """One span of a run. Raises `ValueError` and others where it is none."""
    busy = tuple((float(begun), float(ended)) for begun, ended in told["busy"])
    waiters = tuple(int(number) for number in told["waiters"])
    span = Span(**{**told, "busy": busy, "waiters": waiters})
    if not _fits(span, ("number", "begun", "ended"), ("label", "cell")):
        raise ValueError(span)
    return span


def damaged(folder: Path) -> bool:
    """Whether a record of an image or a verdict lies there that cannot be read as one."""
    found = {"image": read_image, "verification": read_verification}
    return any((folder / f"{kind}.json").is_file() and not read(folder) for kind, read in found.items())


def read_seconds(folder: Path) -> dict[Stage, float]:
    """How long building and verifying took the last time, as far as that is known."""
    image, proof = read_image(folder), read_verification(folder)
    build: dict[Stage, float] = {"build": image.seconds} if image else {}
    return build | ({"verify": proof.seconds} if proof else {})


def read_repository(folder: Path) -> str:
    """`host/path` where the cell was published last; empty where it was not."""
    told = (_read(folder, "release") or {}).get("repository")
    return told if isinstance(told, str) else ""
