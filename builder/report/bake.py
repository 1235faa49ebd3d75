"""Rendered folders as one file for `docker buildx bake`: a target per cell."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from builder.recipe import Recipe

NAME = "docker-bake.json"  # which bake finds by itself


def bake_file(places: Sequence[tuple[Recipe, Path]], folder: Path) -> bytes:
    """The file that is to lie in `folder`, where bake is to be run: it takes contexts from there."""
    targets = {
        name(one): {
            "context": os.path.relpath(place, folder),
            "dockerfile": "Dockerfile",
            "target": "image",
            "tags": list(one.cell.tags),
            "platforms": [one.cell.platform],
        }
        for one, place in places
    }
    document = {"group": {"default": {"targets": list(targets)}}, "target": targets}
    return (json.dumps(document, indent=2) + "\n").encode()


def name(one: Recipe) -> str:
    """A cell's target: bake takes letters, digits, `_` and `-` alone."""
    return one.cell.id.replace(".", "_")
