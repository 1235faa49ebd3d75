"""An OCI registry behind one Protocol: blobs, manifests and referrers by name and digest."""

from builder.registry.client import connect, hasty
from builder.registry.names import parse

__all__ = ["connect", "hasty", "parse"]
