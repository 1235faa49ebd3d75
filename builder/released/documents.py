"""JSON that others wrote: taken apart by what it must be, with one error for everything that it is not."""

from __future__ import annotations

import json
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

T = TypeVar("T")
LONGEST = 500  # characters of a word that is shown


class OddError(ValueError):
    """A document does not say what it must."""


def parsed(content: bytes) -> dict[str, Any]:
    """An object."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise OddError("it is no JSON") from None
    if not isinstance(found, dict):
        raise OddError("it is no JSON object")
    return found


def take(document: object, kind: type[T], *path: str | int) -> T:
    """What stands there, of that type."""
    try:
        here = reduce(getitem, path, document)  # type: ignore[arg-type]  # what has no items is the error
    except (KeyError, IndexError, TypeError):
        raise OddError(f"it has no {'.'.join(map(str, path))}") from None
    if not isinstance(here, kind) or (kind is int and isinstance(here, bool)):
        raise OddError(f"its {'.'.join(map(str, path))} is not what it must be")
    return here


def word(document: object, *path: str | int) -> str:
    """A text that is short enough to be shown."""
    return take(document, str, *path)[:LONGEST]


def rows(document: object, *path: str | int) -> list[dict[str, Any]]:
    """A list of objects."""
    found = take(document, list, *path)
    if not all(isinstance(one, dict) for one in found):
        raise OddError(f"its {'.'.join(map(str, path))} is not what it must be")
    return found
