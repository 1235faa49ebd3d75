"""JSON that others wrote, with numbers that one can calculate with."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

DIGITS = 18  # a longer integer is none of a size, a time or a count


def loads(text: str | bytes) -> Any:
    """What it says. Raises `ValueError` for text that is no JSON, that is nested beyond reading, or that has
    a number without end or of endless digits.
    """
    try:
        return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number without end")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
