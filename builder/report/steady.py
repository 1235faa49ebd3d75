"""Lines that are written again and again in one place of a terminal, also when its size changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleRenderable, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text


class Steady(Live):
    """Four times a second what `lines` gives, each no wider than the terminal; gone at the end.

    A terminal that gets narrower breaks the lines that it shows. rich goes up by as many lines as it wrote,
    and would leave what it wrote above that; here it goes up by as many as there are.
    """

    def __init__(self, console: Console, lines: Callable[[], Sequence[Text]]) -> None:
        self._lines = lines
        self._next: list[int] = []  # lengths of the lines that will be written
        self._there: list[int] = []  # of those that stand there
        super().__init__(console=console, get_renderable=self._written, refresh_per_second=4, transient=True)

    def _written(self) -> Group:
        lines = self._lines()
        self._next = [line.cell_len for line in lines]
        return Group(*lines)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What rich asks for whenever it writes: first of all, up over what the terminal has broken off."""
        width = self.console.width
        broken = sum(max(0, length - 1) // width for length in self._there)
        self._there = [min(length, width) for length in self._next]
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        return [Control(*up * broken), *super().process_renderables(renderables)]
