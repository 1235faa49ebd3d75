"""The axes of a matrix in the tables' names, with the mistakes that only the tables can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from builder.errors import Place, Problem
from builder.facts import Facts
from builder.matrix import Matrix, Value
from builder.names import cuda_version

AXES = ("os", "python", "cuda", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One value of an axis: as written, by its name in the tables (`2.8` → `2.8.0`), and where it stands."""

    text: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The product's axes, each value once; `strange` are OS names that the tables do not have."""

    os: tuple[Entry, ...]
    python: tuple[Entry, ...]
    cuda: tuple[Entry, ...]
    torch: tuple[Entry, ...]
    strange: tuple[Entry, ...] = ()

    @property
    def size(self) -> int:
        """How many cells the product has."""
        return len(self.os) * len(self.python) * len(self.cuda) * len(self.torch)


def read(matrix: Matrix, facts: Facts, problems: list[Problem]) -> Axes:
    """The axes; unknown systems and values that mean the same are added to `problems` and left out."""
    known = tuple(value for value in matrix.os if facts.os_name(value.text))
    strange = tuple(value for value in matrix.os if value not in known)
    problems += [unknown_os(value, facts) for value in strange]
    return Axes(
        os=_once(known, lambda text: os_in_tables(text, facts), problems),
        python=_once(matrix.python, str, problems),
        cuda=_once(matrix.cuda, cuda_version, problems),
        torch=_once(matrix.torch, lambda text: torch_in_tables(text, facts), problems),
        strange=tuple(Entry(text=value.text, name=value.text, place=value.place) for value in strange),
    )


def os_in_tables(text: str, facts: Facts) -> str:
    """The tables' name for an OS, or the text itself."""
    return facts.os_name(text) or text


def pattern_in_tables(axis: str, pattern: str, facts: Facts) -> str:
    """A rule's pattern in the tables' words, where it is a name."""
    if axis == "os":
        return facts.os_name(pattern) or pattern
    return cuda_version(pattern) if axis == "cuda" else pattern


def torch_in_tables(text: str, facts: Facts) -> str:
    """The release that a version means, or the text itself where the tables do not know it."""
    return facts.torch_release(text) or text


def unknown_os(value: Value, facts: Facts) -> Problem:
    """The problem of an OS that no table has, with what was probably meant."""
    close = get_close_matches(value.text.lower()[:60], facts.os, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}?" if close else f"the tables have {', '.join(facts.os)}"
    return Problem(message=f"unknown OS '{value.text}'", hint=hint, place=value.place)


def _once(
    values: tuple[Value, ...], name: Callable[[str], str], problems: list[Problem]
) -> tuple[Entry, ...]:
    """One entry per name; a second value of the same name is a problem that tells both places."""
    entries: dict[str, Entry] = {}
    for value in values:
        entry = Entry(text=value.text, name=name(value.text), place=value.place)
        first = entries.setdefault(entry.name, entry)
        if first is not entry:
            both = f"'{first.text}' and '{entry.text}' are both {entry.name}"
            message = f"'{entry.text}' stands twice" if first.text == entry.text else both
            problems.append(
                Problem(message=message, hint=f"remove one; the first is at {first.place}", place=value.place)
            )
    return tuple(entries.values())
