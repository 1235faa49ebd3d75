"""The live view, line by line: what is under way, what waits, what is over, at any width."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from builder.events import Event, Finished, Progressed, Started
from builder.report.follow import View
from builder.report.live import Live

CELLS = ("debian12-py3.11-cpu-torch2.8.0", "debian13-py3.11-cpu-torch2.8.0")
INSTALL = "[os 2/4] RUN --mount=type=bind,source=os apt-get install --yes ca-certificates"


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setenv("COLUMNS", "80")
    stages = ("fetch", "build", "verify")
    made = Live(io.StringIO(), View(cells=2, stages=stages, stopping=threading.Event()))
    yield made
    made.close()


def shown(viewer: Live, *events: Event) -> list[str]:
    """The lines of the view after these events."""
    for event in events:
        viewer.see(event)
    return [str(line) for line in viewer._lines()]


def step(name: str, *amount: int, cell: int = 0, stage: str = "build", done: bool = False) -> Progressed:
    current, total = (*amount, None, None)[:2]
    return Progressed(cell=CELLS[cell], stage=stage, step=name, current=current, total=total, done=done)  # type: ignore[arg-type]


def begun(cell: int = 0, stage: str = "build") -> Started:
    return Started(cell=CELLS[cell], stage=stage)  # type: ignore[arg-type]


def over(outcome: str, cell: int = 0, stage: str = "verify") -> Finished:
    return Finished(cell=CELLS[cell], stage=stage, outcome=outcome, seconds=1.0)  # type: ignore[arg-type]


def test_a_row_has_stage_time_step_and_bytes(viewer):
    assert shown(viewer, begun(), step(INSTALL, 12_000_000, 188_000_000)) == [
        "cell                            stage   time  step",
        f"{CELLS[0]}  build   0:00  [os 2/4] RUN apt-get...  12/188 MB",
        "────────────────────  0 of 6 stages, 0:00, no estimate before a cell is over",
        "0 of 2 cells over, 1 waiting",
    ]


@pytest.mark.parametrize("columns", [20, 33, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(viewer, columns):
    viewer._console.width = columns
    lines = shown(viewer, begun(), begun(1), step(INSTALL, 12_000_000, 188_000_000))
    assert max(map(len, lines)) <= columns
    assert "12/188 MB" in lines[1] or columns < 60


def test_bytes_are_told_in_a_unit_that_shows_them(viewer):
    assert shown(viewer, begun(), step("a.deb", 40_000, 52_400))[1].endswith("  a.deb  40/52 kB")
    assert shown(viewer, step("pulling", 7_000_000))[1].endswith("  pulling  7 MB")


def test_a_step_that_is_over_hides_none_that_goes_on(viewer):
    lines = shown(viewer, begun(), step("RUN apt-get", 1_000_000, 9_000_000), step("load", done=True))
    assert lines[1].endswith("  RUN apt-get  1/9 MB")
    assert shown(viewer, step("RUN useradd"))[1].endswith("  RUN useradd")
    assert shown(viewer, step("RUN useradd", done=True))[1].endswith("  RUN apt-get  1/9 MB")


def test_a_step_ends_with_its_parts(viewer):
    unpack = step("load the image: unpack 2f8281875474", 3_000_000, 9_000_000)
    assert "unpack" in shown(viewer, begun(), step("layer of torch"), step("load the image"), unpack)[1]
    assert shown(viewer, step("load the image", done=True))[1].endswith("  layer of torch")


def test_what_cells_share_is_told_in_one_row_and_the_others_wait(viewer):
    lines = shown(viewer, begun(0), begun(1), step("canonical layer", cell=1))
    assert lines[1].endswith("  waits for other cells")
    lines = shown(viewer, step("canonical layer", cell=1, done=True), step("layer of torch"))
    assert [line[46:] for line in lines[1:3]] == ["layer of torch", "waits for other cells"]
    assert not shown(viewer, step("layer of torch", done=True))[1].endswith("waits for other cells")


def test_a_cell_that_is_over_shows_how(viewer):
    lines = shown(viewer, begun(), over("done", stage="fetch"), over("failed", stage="build"))
    assert lines[1].endswith("  failed")
    assert lines[2].split("  ")[1].startswith("3 of 6 stages")
    assert lines[3] == "1 of 2 cells over, 1 failed, 1 waiting"


def test_a_build_that_was_kept_is_not_the_end_of_a_cell_that_is_still_verified(viewer):
    lines = shown(viewer, over("kept", stage="build"))
    assert lines[3] == "0 of 2 cells over, 1 waiting"
    assert lines[2].split("  ")[1].startswith("2 of 6 stages")
    assert shown(viewer, begun(stage="verify"), over("kept"))[3] == "1 of 2 cells over, 1 kept, 1 waiting"


def test_a_run_that_stops_has_no_estimate(viewer):
    viewer._view.stopping.set()
    lines = shown(viewer, begun())
    assert lines[2].endswith("  0 of 6 stages, 0:00")
    assert lines[3] == "0 of 2 cells over, 1 waiting; stopping, Ctrl-C leaves at once"


def test_rows_of_cells_at_work_are_shown_first_where_lines_are_few(viewer):
    viewer._console.height = 5
    lines = shown(viewer, begun(0), over("passed", 0), begun(1))
    assert [line[:8] for line in lines[:2]] == ["cell    ", "debian13"]
