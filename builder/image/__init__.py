"""Recipe + lock + ports → Image: layers from the cache or made now, put together here and loaded."""

from __future__ import annotations

from builder.image.making import Image, Locked, Parts, Piece, fetch, load, make, pieces

__all__ = ["Image", "Locked", "Parts", "Piece", "fetch", "load", "make", "pieces"]
