"""What rules raise, and the nearest word to one that is not known."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeVar

from builder.yamldoc import shown

S = TypeVar("S", bound=str)


class WordError(Exception):
    """A scalar that is not what it must be, and what to do about it; the reader adds the place."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def choose(text: str, where: str, options: tuple[S, ...]) -> S:
    """The option that `text` is. Raises `WordError` with the nearest one."""
    for option in options:
        if option == text:
            return option
    meant = nearest(text, options)
    hint = f"did you mean '{meant}'?" if meant else f"one of: {', '.join(options)}"
    raise WordError(f"'{shown(text)}' is not a value of {where}", hint)


def nearest(text: str, options: tuple[str, ...]) -> str | None:
    """The option that was probably meant, or None."""
    close = get_close_matches(text[:60].lower(), options, n=1, cutoff=0.6)
    return close[0] if close else None
