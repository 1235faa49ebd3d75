"""Plots as inline SVG; what they show stands in words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drawsvg import Drawing

WIDTH, HEIGHT, EDGE = 320, 120, 4  # of a curve, in CSS pixels
LENGTH, THICKNESS = 400, 10  # of a bar
FAINT = 0.35  # how much of the ink is left of the time in which something waits

Times = tuple[float, float]  # from, to


def curve(losses: Sequence[float]) -> str:
    """The mean loss of each epoch as a line."""
    import drawsvg  # noqa: PLC0415  only pages with a training want it

    top, across = max(losses) or 1.0, max(1, len(losses) - 1)
    points = []
    for number, loss in enumerate(losses):
        points += [
            EDGE + number * (WIDTH - 2 * EDGE) / across,
            HEIGHT - EDGE - loss / top * (HEIGHT - 2 * EDGE),
        ]
    drawing = drawsvg.Drawing(WIDTH, HEIGHT)
    drawing.append(drawsvg.Lines(*[round(point, 1) for point in points], fill="none", stroke="currentColor"))
    return _text(drawing)


def bar(whole: Sequence[Times], busy: Sequence[Times], length: float) -> str:
    """When something was under way, faint, and when it got on, on a line that is `length` seconds long."""
    import drawsvg  # noqa: PLC0415

    drawing = drawsvg.Drawing(LENGTH, THICKNESS, preserveAspectRatio="none")  # as wide as the page likes
    scale = LENGTH / max(length, 0.001)
    for times, ink in ((whole, FAINT), (busy, 1.0)):
        for begun, ended in times:
            size = round(max(1.0, (ended - begun) * scale), 1), THICKNESS
            place = round(begun * scale, 1), 0
            drawing.append(drawsvg.Rectangle(*place, *size, fill="currentColor", fill_opacity=ink))
    return _text(drawing)


def _text(drawing: Drawing) -> str:
    told: str = drawing.as_svg(header="")
    return told[told.index("<svg") :]
