"""The tables as a command uses them, and the word about their age."""

from __future__ import annotations

from datetime import datetime, timezone

from builder.facts import Facts


def today() -> str:
    """This day in UTC, as tables write days."""
    return datetime.now(tz=timezone.utc).date().isoformat()


def stale_note(facts: Facts, day: str) -> str | None:
    """One line where tables may be out of date on `day`, else None."""
    stale = facts.stale(day)
    if not stale:
        return None
    names = ", ".join(table.name for table in stale)
    since = max(table.verified for table in stale)
    return f"note: tables not verified since {since}: {names}; `envbuild facts refresh`, or a newer envbuild"
