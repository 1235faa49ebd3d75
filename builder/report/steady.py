"""Lines that are written again and again in one place of a terminal, also when its size changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

UP = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))


class Steady(Live):
    """Four times a second what `lines` gives, each no wider than the terminal; gone at the end.

    A terminal that gets narrower breaks the lines that it shows. rich goes up by as many lines as it wrote,
    and would leave the uppermost where they are; so what was broken off is gone over first.
    """

    def __init__(self, console: Console, lines: Callable[[], Sequence[Text]]) -> None:
        self._lines = lines
        self._there: list[int] = []  # lengths of the lines that stand there
        super().__init__(console=console, get_renderable=self._next, refresh_per_second=4, transient=True)

    def _next(self) -> Group:
        """What rich asks for just before it writes."""
        broken = sum(max(0, length - 1) // self.console.width for length in self._there)
        if broken:
            self.console.control(Control(*UP * broken))
        lines = self._lines()
        self._there = [line.cell_len for line in lines]
        return Group(*lines)
