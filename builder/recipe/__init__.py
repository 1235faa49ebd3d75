"""Cell → Recipe: a Dockerfile and its context, the same bytes on every run and from every install place."""

from __future__ import annotations

from builder.recipe.config import Configured, configured
from builder.recipe.folder import drift, write_folder
from builder.recipe.values import Claim, Recipe
from builder.recipe.writing import UV_IMAGE, templates_folder, write

__all__ = [
    "UV_IMAGE",
    "Claim",
    "Configured",
    "Recipe",
    "configured",
    "drift",
    "templates_folder",
    "write",
    "write_folder",
]
