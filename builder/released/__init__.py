"""A published image → what a registry has of it and what its papers say, each checked against the image.

Everything that a registry tells is somebody's word: bounded, never believed without its digest, and what
does not fit is a problem of the image, not of the reader. Unsigned papers prove nothing against those who may
push.
"""

from builder.released.reading import read
from builder.released.values import Attached, Found, Image, Verdict

__all__ = ["Attached", "Found", "Image", "Verdict", "read"]
