"""Documents → bytes, the same for equal documents on every machine; their names come of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from uuid import NAMESPACE_URL, UUID, uuid5

Document = Mapping[str, object]


def dumps(document: Document) -> bytes:
    """JSON with sorted keys, two spaces, ASCII alone, and one newline at the end."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode()


def identity(document: Document) -> UUID:
    """A UUID (version 5) of everything that the document says."""
    return uuid5(NAMESPACE_URL, f"https://envbuild.dev/papers/{hashlib.sha256(dumps(document)).hexdigest()}")


def moment(epoch: int) -> str:
    """Seconds since 1970 as RFC 3339 has them, in UTC."""
    return datetime.fromtimestamp(epoch, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
