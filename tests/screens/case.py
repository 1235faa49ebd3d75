"""What a user types, and with which outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.ports import Ports
from tests.screens.stand_ins import ports

Outside = Callable[[Path], Ports]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is typed, with which outside, after which other commands, on a terminal of how many columns."""

    name: str
    typed: str
    outside: Outside = ports
    before: tuple[str, ...] = ()  # commands, or changes that `screens.CHANGES` has
    env: tuple[tuple[str, str], ...] = ()
    columns: int | None = None


def case(name: str, typed: str, **more: object) -> Case:
    return Case(name=name, typed=typed, **more)  # type: ignore[arg-type]
