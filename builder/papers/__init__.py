"""An image → the documents that go with it: what is in it (CycloneDX, SPDX), and how it came about (SLSA).

`cyclonedx.document`, `spdx.document` and `provenance.statement` make bytes that are the same for equal
inputs: no clock, nothing random, no order of anything that has none.
"""

from __future__ import annotations

from builder.papers import cyclonedx, provenance, spdx
from builder.papers.contents import contents
from builder.papers.values import Contents, Package, Release, Subject

__all__ = [
    "Contents",
    "Package",
    "Release",
    "Subject",
    "contents",
    "cyclonedx",
    "provenance",
    "spdx",
]
