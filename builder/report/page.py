"""An account as one HTML file: no network, no other file, nothing in it that came from outside as markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.names import variant
from builder.report.account import Account, Entry
from builder.report.figures import duration

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent
PAGE = "report.html.j2"
SIGNS = {"good": "✓", "bad": "✗", "open": "·"}
WIDTH, HEIGHT, EDGE = 320, 120, 4  # of a curve, in CSS pixels
VERSIONS = ("python", "torch", "cuda", "cudnn", "nccl", "libc", "processor", "cpu_capability", "kernel")


def html(account: Account) -> str:
    """The whole page."""
    largest = max((entry.image.size for entry in account.entries if entry.image), default=1)
    verdicts = Counter(entry.verdict for entry in account.entries)
    rows = tuple(dict.fromkeys((e.cell.os, e.cell.python) for e in account.entries))
    columns = tuple(dict.fromkeys((e.cell.cuda, e.cell.torch) for e in account.entries))
    found: dict[tuple[str, ...], Entry] = {e.cell.combination: e for e in account.entries}
    grid = [
        ((os, python), [found.get((os, python, cuda, torch)) for cuda, torch in columns])
        for os, python in rows
    ]
    text = _template().render(
        account=account,
        verdicts=verdicts.most_common(),
        kinds={entry.verdict: entry.kind for entry in account.entries},
        columns=[(variant(cuda), torch) for cuda, torch in columns],
        grid=grid,
        signs=SIGNS,
        largest=largest,
        curve=curve,
        megabytes=_megabytes,
        share=_share,
        duration=duration,
        versions=_versions,
        shared=account.shared,
    )
    return text.encode(errors="replace").decode()  # half characters are none that a file takes


def curve(losses: Sequence[float]) -> str:
    """The mean loss of each epoch as a line, in SVG; its numbers stand beside it in the page."""
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
    told: str = drawing.as_svg(header="")
    return told[told.index("<svg") :]


def _megabytes(size: int) -> str:
    if size < 1e5:
        return f"{size / 1e3:,.0f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 10e6 else f"{size / 1e6:,.0f} MB"


def _share(number: object) -> str:
    """`97.75 %`, or nothing where it was not measured."""
    return f"{number:.2%}" if isinstance(number, (int, float)) else ""


def _versions(entry: Entry) -> list[tuple[str, str]]:
    told: dict[str, Any] = entry.proof.environment if entry.proof else {}
    return [(name, str(told[name])) for name in VERSIONS if told.get(name)]


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    loader = FileSystemLoader(FOLDER)
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.get_template(PAGE)
