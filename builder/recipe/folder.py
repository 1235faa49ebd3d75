"""Recipe → a folder on disk, and what has become of it since."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from builder.errors import OutsideError
from builder.recipe.values import Recipe


def write_folder(recipe: Recipe, folder: Path) -> None:
    """Write the recipe's files: a new folder appears whole, in one that is there each file is replaced whole.

    Files that the recipe does not name are left alone (`drift` tells of them). Raises `OutsideError`.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            _replace(recipe, folder)
        else:
            _create(recipe, folder)
    except OSError as error:
        raise OutsideError.of(
            f"{folder} could not be written: {error.strerror or error}",
            hint="check the path, its permissions and the space that is left",
        ) from error


def drift(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """How a folder on disk differs from the recipe, sorted by path; empty when it does not.

    Each is a path and `differs`, `is missing` or `is extra`.
    """
    expected = dict(recipe.files)
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    differing = {
        path: "differs" for path in found & set(expected) if not _same(folder / path, expected[path])
    }
    missing = dict.fromkeys(set(expected) - found, "is missing")
    extra = dict.fromkeys(found - set(expected), "is extra")
    return tuple(f"{path} {what}" for path, what in sorted((differing | missing | extra).items()))


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:
        return False


def _create(recipe: Recipe, folder: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, content in recipe.files:
            target = scratch / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        scratch.chmod(0o755)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _replace(recipe: Recipe, folder: Path) -> None:
    for path, content in recipe.files:
        target = folder / path
        if _same(target, content):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            scratch.write_bytes(content)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
