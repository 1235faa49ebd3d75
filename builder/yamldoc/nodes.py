"""What a document is made of: text, lists and mappings, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from builder.errors import Place, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One piece of text. `plain`: written without quotes; an empty one means that nothing was written."""

    text: str
    plain: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list; `place` is that of its first sign."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys with their values, in the file's order, each key once."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Stands where something was refused (an alias), so that one mistake is not told twice."""

    place: Place


Node = Scalar | Sequence | Mapping | Hole


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What could be read, and all that is wrong with it; no `root` when there is nothing to go on with."""

    root: Node | None
    problems: tuple[Problem, ...]
