"""A lock as it stands on disk: tables whose rows stand once, and refer to each other by key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.lock.values import SCHEMA, Lock, LockedBase, LockedCell, LockedSystem, digest_of
from builder.source.api import Pin


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file to fetch, under its sha256. Without `url` it is found by name and sha256 where this machine's
    indexes and folders are.
    """

    name: str
    version: str
    filename: str
    url: str | None
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRow:
    """A base image by its content, under its reference; where a lock has it for several platforms, under
    reference and platform, with a space between.
    """

    digest: str | None
    platform: str
    layers: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    origin: str
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow:
    """The distribution's packages of one `os` stage: keys of `files`, or why nobody can tell them."""

    packages: tuple[str, ...] | None
    why: str | None
    date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRow:
    """Interpreter and wheels of all cells that share them: keys of `files`."""

    interpreter: str | None
    wheels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """A cell: the digest of the recipe that it was locked for, and its rows of the other tables."""

    recipe: str
    base: str
    system: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole file but `schema` and `seal`."""

    matrix: str
    canonical: int
    epoch: int
    cells: dict[str, CellRow]
    environments: dict[str, EnvironmentRow]
    bases: dict[str, BaseRow]
    systems: dict[str, SystemRow]
    files: dict[str, FileRow]


def dumps(lock: Lock) -> str:
    """The lock's text, the same for equal locks: sorted keys, two spaces, ASCII, one newline at the end."""
    body = {"schema": SCHEMA, **dataclasses.asdict(of(lock))}
    return json.dumps(sealed(body), indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def sealed(body: Mapping[str, object]) -> dict[str, object]:
    """The members of a file with `seal`, the digest of all others: an edit by hand or a merge breaks it."""
    bare = {name: value for name, value in body.items() if name != "seal"}
    return {**bare, "seal": digest_of(bare)}


def of(lock: Lock) -> Document:
    """The lock as tables."""
    environments = {cell.id: _environment(cell) for cell in lock.cells}
    keys = {(base.reference, base.platform): lock.name_of(base) for base in lock.bases}
    return Document(
        matrix=lock.matrix,
        canonical=lock.canonical,
        epoch=lock.epoch,
        cells={
            cell.id: _cell(cell, keys[cell.base, cell.platform], environments[cell.id]) for cell in lock.cells
        },
        environments={_key(row): row for row in environments.values()},
        bases={lock.name_of(base): BaseRow(**_fields(base, "reference")) for base in lock.bases},
        systems={system.key: _system(system) for system in lock.systems},
        files={pin.sha256: FileRow(**_fields(pin, "sha256")) for pin in lock.files},
    )


def whole(document: Document) -> Lock:
    """The lock of tables that hold every key that they refer to (else `KeyError`)."""
    files = {key: Pin(sha256=key, **_fields(row)) for key, row in document.files.items()}
    return Lock(
        matrix=document.matrix,
        canonical=document.canonical,
        epoch=document.epoch,
        bases=tuple(
            LockedBase(reference=reference_of(key), **_fields(row))
            for key, row in sorted(document.bases.items())
        ),
        systems=tuple(_locked_system(key, row, files) for key, row in sorted(document.systems.items())),
        cells=tuple(_locked_cell(key, row, document, files) for key, row in sorted(document.cells.items())),
    )


def reference_of(key: str) -> str:
    """The reference in the key of a base."""
    return key.partition(" ")[0]


def _cell(cell: LockedCell, base: str, environment: EnvironmentRow) -> CellRow:
    return CellRow(recipe=cell.recipe, base=base, system=cell.system, environment=_key(environment))


def _environment(cell: LockedCell) -> EnvironmentRow:
    return EnvironmentRow(
        interpreter=cell.interpreter.sha256 if cell.interpreter else None,
        wheels=tuple(pin.sha256 for pin in cell.wheels),
    )


def _key(row: EnvironmentRow) -> str:
    text = json.dumps(dataclasses.asdict(row), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _system(system: LockedSystem) -> SystemRow:
    packages = None if system.packages is None else tuple(pin.sha256 for pin in system.packages)
    return SystemRow(packages=packages, why=system.why, date=system.date)


def _locked_system(key: str, row: SystemRow, files: dict[str, Pin]) -> LockedSystem:
    packages = None if row.packages is None else tuple(files[one] for one in row.packages)
    return LockedSystem(key=key, packages=packages, why=row.why, date=row.date)


def _locked_cell(ident: str, row: CellRow, document: Document, files: dict[str, Pin]) -> LockedCell:
    environment = document.environments[row.environment]
    return LockedCell(
        id=ident,
        recipe=row.recipe,
        base=reference_of(row.base),
        platform=document.bases[row.base].platform,
        system=row.system,
        interpreter=files[environment.interpreter] if environment.interpreter else None,
        wheels=tuple(files[one] for one in environment.wheels),
    )


def _fields(value: object, *without: str) -> dict[str, Any]:
    """A dataclass's fields by name, as they are."""
    names = (field.name for field in dataclasses.fields(value))  # type: ignore[arg-type]
    return {name: getattr(value, name) for name in names if name not in without}
