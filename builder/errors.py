"""What can go wrong, in the words and exit codes that a user meets.

Every failure that is not a bug in envbuild is one of these; the command line prints them and maps them to an
exit code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where in a file something stands. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: what, where, in which cell, and what to do about it."""

    message: str
    hint: str | None = None
    place: Place | None = None
    cell: str | None = None


class EnvbuildError(Exception):
    """A failure that the user can act on; carries one or more problems."""

    exit_code: ClassVar[int] = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))

    @classmethod
    def of(cls, message: str, *, hint: str | None = None) -> EnvbuildError:
        """The error for one problem without a place."""
        return cls((Problem(message=message, hint=hint),))


class InputError(EnvbuildError):
    """The input is wrong: a matrix, an option, a cell that cannot exist."""

    exit_code = 2


class CellError(EnvbuildError):
    """One cell failed (its build, its wheels); the others go on."""

    exit_code = 1


class NotAskedError(CellError):
    """Something was not found where it was looked for, and where it most likely is nobody answered."""


class OutsideError(EnvbuildError):
    """Something outside envbuild failed: the engine, a registry, the network."""

    exit_code = 4


class NothingSelectedError(EnvbuildError):
    """No cell is left to work on."""

    exit_code = 5


class InterruptedByUserError(EnvbuildError):
    """Ctrl-C, after everything that was under way has been undone."""

    exit_code = 130
