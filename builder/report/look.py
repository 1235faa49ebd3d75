"""How text may look where it goes: wrapped and coloured on a terminal, plain everywhere else."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from dataclasses import dataclass
from typing import Literal, TextIO

WIDEST = 120  # prose in longer lines is hard to read
NARROWEST = 40
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "faint": "2"}

Colour = Literal["bold", "red", "green", "yellow", "faint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`width` in characters to wrap prose at, None for never; whether colours are understood."""

    width: int | None = None
    colour: bool = False


PLAIN = Look()


def look(stream: TextIO) -> Look:
    """What `stream` allows. NO_COLOR (any value) and TERM=dumb turn colours off, COLUMNS sets the width."""
    if not stream.isatty():
        return PLAIN
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    columns = shutil.get_terminal_size().columns
    return Look(width=max(NARROWEST, min(columns, WIDEST)), colour=colour)


def paint(text: str, colour: Colour | None, look: Look) -> str:
    """`text` in a colour, where colours are understood."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if colour and look.colour else text


def wrap(text: str, look: Look, *, indent: int = 0, hang: int = 4) -> list[str]:
    """One paragraph as lines, `indent` spaces before the first and `hang` more before the others.

    Words are never cut: cell ids and paths stay whole, to be copied.
    """
    first, other = " " * indent, " " * (indent + hang)
    text = shown(text)
    if look.width is None:
        line, *more = text.splitlines() or [""]
        return [first + line, *(other + line for line in more)]  # a container's lines are none of ours
    return textwrap.wrap(
        text,
        look.width,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]


def shown(text: str) -> str:
    """`text` with control characters made visible: what others wrote must not steer the terminal."""
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def count(number: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cut(text: str, width: int) -> str:
    """At most `width` characters; three dots tell of the rest."""
    return text if len(text) <= width else text[: max(0, width - 3)].rstrip() + "..."
