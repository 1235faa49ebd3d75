"""What was proven goes to a registry: by digest, with its papers, and tagged last."""

from builder.release.packing import Packing
from builder.release.planning import Outside, Plan, Target, planned
from builder.release.pointing import Other, Pointer, Present, point, pointer, there
from builder.release.publishing import publish
from builder.release.through_engine import ByEngine, Handing
from builder.release.values import Release, Sending, Verified

__all__ = [
    "ByEngine",
    "Handing",
    "Other",
    "Outside",
    "Packing",
    "Plan",
    "Pointer",
    "Present",
    "Release",
    "Sending",
    "Target",
    "Verified",
    "planned",
    "point",
    "pointer",
    "publish",
    "there",
]
