"""Lines that are written again and again in one place of a terminal, also when its size changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

SETTLES = 2  # seconds for a terminal to come to rest; while its edge is dragged it has many sizes


class Steady(Live):
    """Four times a second what `lines` gives, each no wider than the terminal; gone at the end.

    A terminal breaks its lines when it gets narrower, and a program hears of that later: nobody knows then on
    which rows the lines are. So they get the whole screen; what was there can be scrolled back to.
    """

    def __init__(self, console: Console, lines: Callable[[], Sequence[Text]]) -> None:
        self._lines = lines
        self._width = console.width
        self._settled = 0.0  # when it will have
        super().__init__(console=console, get_renderable=self._next, refresh_per_second=4, transient=True)

    def say(self, line: str) -> None:
        """A line that stays, above the others."""
        self.refresh()
        self._settled = 0.0
        self.console.print(Text(line))

    def _next(self) -> Group:
        """What rich asks for just before it goes up by as many lines as it wrote, and writes."""
        now, (width, height) = time.monotonic(), self.console.size
        resized, self._width = width != self._width, width
        if resized and now >= self._settled:
            self.console.control(Control(ControlType.HOME, ControlType.CLEAR))
        elif resized or now < self._settled:  # not cleared: some terminals keep whatever is
            rows = [
                ((ControlType.CURSOR_MOVE_TO, 0, row), (ControlType.ERASE_IN_LINE, 2))
                for row in range(height)
            ]
            self.console.control(Control(*(code for row in reversed(rows) for code in row)))
        if resized:
            self._settled = now + SETTLES
        return Group(*self._lines())
