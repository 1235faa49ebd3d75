"""YAML document → Matrix: what the user asked for, with the place of each word, and nothing decided yet.

Every mistake of a file is reported at once, each with its place and with what to do.
"""

from __future__ import annotations

from builder.matrix.asked import (
    Alias,
    BaseSource,
    Exclusion,
    Flavor,
    Inclusion,
    Level,
    Matrix,
    OwnSystem,
    Platform,
    Provider,
    User,
    Value,
    VerifySettings,
)
from builder.matrix.document import load, parse

__all__ = [
    "Alias",
    "BaseSource",
    "Exclusion",
    "Flavor",
    "Inclusion",
    "Level",
    "Matrix",
    "OwnSystem",
    "Platform",
    "Provider",
    "User",
    "Value",
    "VerifySettings",
    "load",
    "parse",
]
