"""Supplies → the pins file that the build's installer checks every wheel against."""

from __future__ import annotations

from builder.source.api import Supplies


def pins_txt(supplies: Supplies) -> bytes:
    """`name==version --hash=sha256:…` lines, sorted, for `uv pip install --require-hashes --no-index`."""
    lines = sorted(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n" for pin in supplies.wheels)
    return "".join(lines).encode()
