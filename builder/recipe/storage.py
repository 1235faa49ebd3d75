"""Settings that name folders → the folders that must be there for the user to write to."""

from __future__ import annotations

from builder.matrix.storage import STORAGE
from builder.recipe.quoting import folder


def folders_txt(settings: tuple[tuple[str, str], ...]) -> bytes:
    """The absolute folders that storage settings name, one a line, each once, sorted.

    A relative one (a matrix file can hold none) depends on where a program starts, and is left to it.
    """
    found = {folder(name, value) for name, value in settings if name in STORAGE and value.startswith("/")}
    return "".join(f"{path}\n" for path in sorted(found)).encode()
