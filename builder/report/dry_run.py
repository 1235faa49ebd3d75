"""What a build would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Sequence

from builder.recipe import Recipe
from builder.report.look import count


def as_text(recipes: Sequence[Recipe]) -> str:
    """Each cell with its base, its Python, what is installed from where, and its tags."""
    told = [line for recipe in recipes for line in _cell(recipe)]
    return "\n".join([*told, f"{count(len(recipes), 'image')} would be built; nothing was touched"])


def _cell(recipe: Recipe) -> list[str]:
    cell, order = recipe.cell, recipe.order
    return [
        cell.id,
        f"  base:     {recipe.base}",
        f"  python:   {cell.python}, {cell.provider}",
        f"  installs: {', '.join(order.requirements)}",
        f"  index:    {order.index}",
        *(f"  tag:      {tag}" for tag in cell.tags),
        "",
    ]
