"""The tables as a command uses them: with the user's overlay, and the word about their age."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from builder import facts
from builder.errors import InputError
from builder.facts import Facts

SETTING = "ENVBUILD_FACTS"
NONE = "none"
REFRESHED = frozenset({"torch", "builds"})  # the tables that `envbuild facts refresh` renews


def overlay_path() -> Path | None:
    """The file that wins over the shipped tables, whether it is there or not; None where none is wanted.

    It is the one that $ENVBUILD_FACTS names, else `facts.yaml` in the user's folder for envbuild's data.
    """
    import platformdirs  # noqa: PLC0415

    told = os.environ.get(SETTING)
    if told == NONE:
        return None
    return Path(told) if told else Path(platformdirs.user_data_dir("envbuild")) / "facts.yaml"


def load() -> Facts:
    """The tables, asked today. Raises `InputError` for an overlay that is wrong, or named and missing."""
    return replace(_load(), today=today())


def _load() -> Facts:
    path = overlay_path()
    if path is None or not (path.exists() or os.environ.get(SETTING)):
        return facts.load()
    if not path.exists():
        hint = f"`envbuild facts refresh` writes it; {SETTING}={NONE} takes the shipped tables alone"
        raise InputError.of(f"{path} ({SETTING}) does not exist", hint=hint)
    return facts.load_with(path)


def today() -> str:
    """This day in UTC, as tables write days."""
    return datetime.now(tz=timezone.utc).date().isoformat()


def stale_note(known: Facts, day: str) -> str | None:
    """One line where tables may be out of date on `day`, else None."""
    stale = known.stale(day)
    if not stale:
        return None
    since: dict[str, list[str]] = {}
    for table in stale:
        since.setdefault(table.verified, []).append(table.name)
    told = "; ".join(f"{verified}: {', '.join(names)}" for verified, names in since.items())
    return f"note: tables not verified since {told}; {_remedy({table.name for table in stale})}"


def _remedy(stale: set[str]) -> str:
    """Who has newer ones: the indexes know torch, and nothing of the rest."""
    if stale <= REFRESHED:
        return "`envbuild facts refresh`, or a newer envbuild"
    if stale.isdisjoint(REFRESHED):
        return "a newer envbuild may have newer ones"
    return "`envbuild facts refresh` asks about torch; the others come with a newer envbuild"
