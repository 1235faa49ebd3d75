"""The container engine behind one Protocol, and the only place that knows docker-py."""

from builder.engine.endpoints import connect

__all__ = ["connect"]
