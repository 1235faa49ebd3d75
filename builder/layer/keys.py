"""Everything that a layer is made from → its key in the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any


def key_of(*inputs: object) -> str:
    """The hexadecimal sha256 over the inputs: text, numbers, None, dataclasses, and sequences of these."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} is no part of a key")
