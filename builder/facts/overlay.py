"""A file of facts that wins over the shipped tables, field by field; read with every mistake and its place.

It has a table's rows under the table's name, each with the fields that it tells and no others:

    tables: {torch: {verified: 2026-12-01, stale_after: 2027-01-30}}
    torch:
      2.16.0: {released: 2026-12-01, python: {x86_64: [3.11, 3.12]}, …}
    sources:
      ours: {title: "our own measurement", seen: 2026-12-01}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from builder import yamldoc
from builder.errors import InputError, Problem
from builder.facts import shapes, tables
from builder.facts.answers import Facts
from builder.names import version_key
from builder.yamldoc import Mapping, Node, Scalar, shown

ROWS = {
    "torch": "releases",
    "cuda": "releases",
    "os": "releases",
    "python": "releases",
    "gpu": "capabilities",
    "traps": "traps",
    "sources": "sources",
}
KERNELS = "architectures"  # a list beside torch's releases; here by release, architecture and build
PARTS = ("tables", *ROWS, KERNELS, "wheels")

Raw = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What an overlay tells, as plain text: part (a table, `tables`, `wheels`) → row → field → value."""

    path: Path
    parts: Raw

    def part(self, name: str) -> dict[str, Any]:
        """The rows of one part; empty where the file has none."""
        return self.parts.get(name, {})


def read(path: Path) -> Overlay:
    """The overlay in a file. Raises `InputError` with every problem, each with its place."""
    return parse(yamldoc.read_text(path), path)


def parse(text: str, path: Path) -> Overlay:
    """The overlay in a text that is to be `path`'s. Raises `InputError`."""
    root = yamldoc.parse(text, str(path))
    problems = tuple(_wrong(root))
    if problems:
        raise InputError(problems)
    return Overlay(path=path, parts=yamldoc.plain(root))


def merged(overlay: Overlay) -> dict[str, Any]:
    """The shipped tables with what the overlay tells, as plain text."""
    raw = {name: dict(table) for name, table in tables.shipped().items()}
    for name, key in ROWS.items():
        rows = dict(raw[name][key])
        for row, fields in overlay.part(name).items():
            rows[row] = {**rows.get(row, {}), **fields}
        raw[name][key] = rows
    raw["gpu"]["capabilities"] = _with_models(raw["gpu"]["capabilities"], overlay)
    raw["torch"][KERNELS] = [*_kernels(overlay), *raw["torch"][KERNELS]]  # the first that fits is taken
    for name, meta in overlay.part("tables").items():
        table, part = ("torch", name) if name == tables.BUILDS else (name, "meta")
        raw[table][part] = meta
    return raw


def _with_models(rows: dict[str, dict[str, Any]], overlay: Overlay) -> dict[str, dict[str, Any]]:
    """The capabilities, each with the models that the overlay names for no other: of the many one tells
    only those that are missing, or that the tables have wrong.
    """
    shipped = tables.shipped()["gpu"]["capabilities"]
    told = {gpu: name for name, row in overlay.part("gpu").items() for gpu in row.get("gpus", ())}
    return {
        name: {**row, "gpus": [gpu for gpu in models if told.get(gpu, name) == name]}
        for name, row in rows.items()
        for models in (dict.fromkeys((*shipped.get(name, {}).get("gpus", ()), *row["gpus"])),)
    }


def _kernels(overlay: Overlay) -> Iterator[dict[str, Any]]:
    """What the overlay tells of builds' kernels, as rows of torch's table; the lowest architecture first."""
    for release, told in overlay.part(KERNELS).items():
        for arch in (name for name in told if name != "source"):
            for build, archs in told[arch].items():
                ordered = sorted(archs, key=lambda one: version_key(one.removesuffix("+PTX")))
                row = {"torch": release, "arch": arch, "variants": [build], "archs": ordered}
                yield {**row, "source": told["source"]}


def load(path: Path) -> Facts:
    """The tables with the overlay in `path`. Raises `InputError`."""
    overlay = read(path)
    facts = tables.assemble(merged(overlay))
    return replace(facts, overlay=str(path), overlaid=MappingProxyType(_told(overlay, facts)))


def _told(overlay: Overlay, facts: Facts) -> dict[tuple[str, str], tuple[str, ...]]:
    """(table, row) → the fields that the overlay tells; those of a capability are its GPUs'."""
    told = {
        (name, row): tuple(fields)
        for name in ROWS
        for row, fields in overlay.part(name).items()
        if name not in ("sources", "gpu")
    }
    for release in overlay.part(KERNELS):
        told["torch", release] = (*told.get(("torch", release), ()), KERNELS)
    for gpu in facts.gpus:
        fields = overlay.part("gpu").get(gpu.capability, {})
        own = tuple(name for name in fields if name != "gpus" or gpu.name in fields["gpus"])
        told.update({("gpu", gpu.name): own} if own else {})
    return told


def _wrong(root: Node) -> Iterator[Problem]:
    if not isinstance(root, Mapping):
        yield Problem(message="this is no file of facts", hint="docs/cli.md has an example", place=root.place)
        return
    parts = {key.text: value for key, value in root.entries}
    for key, value in root.entries:
        if key.text not in PARTS:
            near = get_close_matches(key.text, PARTS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(PARTS)}"
            yield Problem(message=f"'{shown(key.text)}' is no table", hint=hint, place=key.place)
        elif not isinstance(value, Mapping):
            yield Problem(message=f"{key.text} must have rows by name", place=value.place)
        else:
            yield from _wrong_rows(key.text, value)
            yield from _unknown_sources(value, _sources(parts.get("sources")))


def _wrong_rows(table: str, rows: Mapping) -> Iterator[Problem]:
    pattern, words = shapes.NAMES[table]
    for key, row in rows.entries:
        if not pattern.fullmatch(key.text):
            yield Problem(message=f"'{shown(key.text)}' is not {words}", place=key.place)
        elif table == "wheels":
            yield from shapes.wrong_hashes(row)
        else:
            yield from shapes.wrong_row(table, row)
            yield from _missing(table, key, row)


def _missing(table: str, key: Scalar, row: Node) -> Iterator[Problem]:
    """A row that the shipped tables do not have must be whole."""
    known = tables.shipped()[table][ROWS[table]] if table in ROWS else ()
    if key.text in known or not isinstance(row, Mapping):
        return
    told = {field.text for field, _ in row.entries}
    left = [name for name, shape in shapes.FIELDS[table].items() if shape.required and name not in told]
    if left:
        hint = "a row that the shipped tables do not have must be complete"
        message = f"{table} {key.text} has no {', '.join(left)}"
        yield Problem(message=message, hint=hint, place=key.place)


def _sources(node: Node | None) -> set[str]:
    """The keys that a row's source may name."""
    own = {key.text for key, _ in node.entries} if isinstance(node, Mapping) else set()
    return own | set(tables.shipped()["sources"]["sources"])


def _unknown_sources(rows: Mapping, known: set[str]) -> Iterator[Problem]:
    for _, row in rows.entries:
        for field, value in row.entries if isinstance(row, Mapping) else ():
            if field.text not in shapes.SOURCES or not isinstance(value, yamldoc.Sequence):
                continue
            for item in value.items:
                if isinstance(item, Scalar) and item.text not in known:
                    message = f"'{shown(item.text)}' is not under `sources`, neither here nor in envbuild"
                    yield Problem(message=message, place=item.place)
