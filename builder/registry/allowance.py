"""How many images a registry still lets this machine pull, where it says so, as Docker Hub does."""

from __future__ import annotations

import re

from builder.registry.api import Allowance
from builder.registry.asking import Repository

# Made to be asked: a HEAD request of it uses no pull up (https://docs.docker.com/docker-hub/usage/pulls/).
ASKED, TAG = "ratelimitpreview/test", "latest"


def allowance(place: Repository) -> Allowance | None:
    """What the headers of one answer say; None where they say nothing, as to who has no limit."""
    return place.until("asking how much may be pulled", lambda: _once(place))


def _once(place: Repository) -> Allowance | None:
    with place.look("HEAD", f"manifests/{TAG}", (200, 404, 429)) as reply:
        most, left = (_number(reply.headers.get(f"RateLimit-{name}", "")) for name in ("Limit", "Remaining"))
    return Allowance(most=most[0], left=left[0], seconds=most[1]) if most and left else None


def _number(header: str) -> tuple[int, int] | None:
    """`100;w=21600`: how many, and in how many seconds."""
    match = re.fullmatch(r"(\d{1,9})(?:;w=(\d{1,9}))?", header.strip(), re.ASCII)
    return (int(match[1]), int(match[2] or 0)) if match else None
