"""YAML text → nodes with their places, every scalar as text; the only door to PyYAML.

YAML's own types are not applied: `3.10` stays `3.10`, `no` stays `no`. Aliases, anchors, tags and merge keys
are refused, so a document is exactly what its reader sees and cannot grow while it is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from builder.errors import InputError
from builder.yamldoc.content import MATRIX, MAX_BYTES, Kind, read_text, shown
from builder.yamldoc.nodes import Document, Hole, Mapping, Node, Scalar, Sequence
from builder.yamldoc.reading import MAX_DEPTH, examine

__all__ = [
    "MATRIX",
    "MAX_BYTES",
    "MAX_DEPTH",
    "Document",
    "Hole",
    "Kind",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "examine",
    "parse",
    "plain",
    "read_table",
    "read_text",
    "shown",
    "text",
]


def text(document: Any) -> str:
    """A document of dicts, lists and text as YAML that reads back as the same; keys keep their order."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def parse(text: str, file: str) -> Node:
    """The document of `text`; raises `InputError` with every problem. `file` is the name in their places."""
    document = examine(text, file)
    if document.root is None or document.problems:
        raise InputError(document.problems)
    return document.root


def read_table(path: Path) -> Any:
    """A table of envbuild's own as plain dict, list and str; empty and unquoted `null` or `~` are None.

    Nothing else is converted: `3.10`, `2025-01-29`, `14` and `true` stay text. Raises as `read_text` and
    `parse` do, and reads with libyaml where PyYAML was built with it.
    """
    return plain(parse(read_text(path), str(path)))


def plain(node: Node) -> Any:
    """A whole document's node as `read_table` tells it."""
    if isinstance(node, Scalar):
        return None if node.plain and node.text in _NULLS else node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    raise AssertionError("a document without problems has no holes")
