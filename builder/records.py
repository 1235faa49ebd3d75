"""Rooms' values on disk: one JSON file per value, written whole or not at all, each naming what it was made
from.

The schema of these files is published as `docs/records.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.events import Stage
from builder.image import Image, Piece
from builder.verification import Check, Verification

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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write(folder: Path, kind: str, value: Any, parent: str | None) -> Path:
    """Write `value` as `<folder>/<kind>.json`; `parent` is the digest or id of what it was made from."""
    path = folder / f"{kind}.json"
    body = {"schema": SCHEMA, "kind": kind, "parent": parent, "value": plain(value)}
    write_bytes(path, (json.dumps(body, indent=2, ensure_ascii=True) + "\n").encode())
    return path


def _read(folder: Path, kind: str) -> dict[str, Any] | None:
    """The value part of a record, or None where there is none or it is not ours."""
    try:
        body = json.loads((folder / f"{kind}.json").read_text())
    except (OSError, ValueError, RecursionError):
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
    value = _read(folder, "image")
    if value is None:
        return None
    try:
        packages = tuple((str(name), str(version)) for name, version in value.pop("packages"))
        layers = tuple(Piece(**piece) for piece in value.pop("layers"))
        image = Image(packages=packages, layers=layers, tags=tuple(map(str, value.pop("tags"))), **value)
    except (KeyError, TypeError, ValueError):
        return None
    texts = ("cell", "id", "stored", "base", "origin", "recipe", "inputs")
    return image if _fits(image, ("size", "seconds"), texts) else None


def read_verification(folder: Path) -> Verification | None:
    """The verdict that was reached in this folder, or None."""
    value = _read(folder, "verification")
    if value is None:
        return None
    try:
        checks = tuple(
            Check(**{**check, "warnings": tuple(check["warnings"])}) for check in value.pop("checks")
        )
        proof = Verification(checks=checks, **value)
    except (KeyError, TypeError, ValueError):
        return None
    texts = ("image", "status", "level", "verifier", "asked", "wanted")
    whole = _fits(proof, ("seconds",), texts) and isinstance(proof.reason, (str, type(None)))
    return proof if whole and all(_is_check(check) for check in checks) else None


def read_seconds(folder: Path) -> dict[Stage, float]:
    """How long building and verifying took the last time, as far as that is known."""
    image, proof = read_image(folder), read_verification(folder)
    build: dict[Stage, float] = {"build": image.seconds} if image else {}
    return build | ({"verify": proof.seconds} if proof else {})


def read_repository(folder: Path) -> str:
    """`host/path` where the cell was published last; empty where it was not."""
    told = (_read(folder, "release") or {}).get("repository")
    return told if isinstance(told, str) else ""


def _is_check(check: Check) -> bool:
    known = ("pass", "warn", "fail", "error", "skip")
    return isinstance(check.id, str) and check.status in known and isinstance(check.required, bool)
