"""What the indexes say otherwise than the tables, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.facts import Facts
from builder.facts.upkeep.differing import Difference
from builder.facts.upkeep.observing import Observed, Unknown
from builder.records import plain
from builder.report.look import PLAIN, Look, count, paint, wrap

SCHEMA = "envbuild.facts-check/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One difference. `name` is what `--accept` takes; `suspicious` says why it may be a mistake."""

    name: str
    release: str
    field: str
    was: Any
    now: Any
    suspicious: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What `facts check` and `facts refresh` print with --json. `read`: the tables of which all was read,
    whose day of verification moves. `written` is the overlay, where one was.
    """

    index: str
    releases: int
    differences: tuple[Told, ...]
    unknown: tuple[Unknown, ...]
    read: tuple[str, ...]
    written: str | None


def as_json(observed: Observed, found: Sequence[Difference], written: str | None = None) -> dict[str, Any]:
    """As data; see docs/facts-check.schema.json."""
    document = Document(
        index=observed.index,
        releases=len(observed.rows),
        differences=tuple(
            Told(
                name=one.name,
                release=one.release,
                field=one.field,
                was=one.was,
                now=one.now,
                suspicious=one.suspicious,
            )
            for one in found
        ),
        unknown=observed.unknown,
        read=observed.read,
        written=written,
    )
    return {"schema": SCHEMA, **plain(document)}


def as_text(observed: Observed, found: Sequence[Difference], look: Look = PLAIN) -> str:
    """Each difference, what was not answered, and a sum."""
    lines: list[str] = []
    for one in found:
        lines += wrap(f"{one.name}  {_change(one)}", look)
        if one.suspicious:
            why = wrap(f"suspicious: {one.suspicious}", look, indent=4)
            lines += [paint(line, "red", look) for line in why]
    if observed.unknown:
        lines += [*([""] if lines else []), paint("unknown", "yellow", look)]
    for open_question in observed.unknown:
        lines += wrap(f"{open_question.what}: {open_question.reason}", look, indent=2)
    between = f"between the tables and {count(len(observed.rows), 'release')} of torch on {observed.index}"
    sum_up = f"{count(len(found), 'difference') if found else 'no difference'} {between}"
    return "\n".join([*lines, *([""] if lines else []), sum_up])


def refusal(refused: Sequence[Difference]) -> str:
    """What to say where nothing was written."""
    names = " ".join(f"--accept {one.name}" for one in refused[:3]) + (" ..." if len(refused) > 3 else "")
    return (
        f"error: {count(len(refused), 'difference')} may be mistakes of the index; nothing was written\n"
        f"    hint: look at them, then take them one by one: envbuild facts refresh {names}"
    )


def not_verified(observed: Observed, before: Facts) -> Iterator[str]:
    """What keeps the day of its last verification, because not all of it could be read."""
    for name, what in (("torch", "the package index"), ("builds", "PyTorch's index")):
        if name not in observed.read:
            table = before.tables[name]
            since = f"its day of verification stays {table.verified}"
            yield f"note: {name}: not all could be read on {what}; {since}"


def _change(one: Difference) -> str:
    """What was and what is, in a few words."""
    if one.field == "release":
        return "gone" if one.now is None else f"new, Python {_text(one.now.get('python'))}"
    if one.field == "wheels":
        return ", ".join(_of_files(one.was, one.now))
    return _turned(one.was, one.now)


def _turned(was: Any, now: Any) -> str:
    """What came and went, of lists and of values by name; else both values."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        names = [name for name in dict.fromkeys((*was, *now)) if was.get(name) != now.get(name)]
        return "; ".join(f"{name} {_turned(was.get(name), now.get(name))}" for name in names)
    if isinstance(now, (list, tuple)) and set(was or ()) != set(now):
        gone = [f"-{one}" for one in was or () if one not in now]
        return ", ".join((*gone, *(f"+{one}" for one in now if one not in (was or ()))))
    return f"{_text(was)} -> {_text(now)}"


def _of_files(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    counts = {
        "new": [stem for stem in now if stem not in was],
        "gone": [stem for stem in was if stem not in now],
        "other bytes": [stem for stem in was if now.get(stem, was[stem]) != was[stem]],
    }
    for words, stems in counts.items():
        if stems:
            yield f"{words}: {len(stems)} of {count(len(was), 'wheel')}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_text(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
