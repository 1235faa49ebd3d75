"""A run as rows: each cell with what kept it waiting, and the work that they shared."""

from __future__ import annotations

from test_timeline import run, span

from builder.report.timetable import rows

RUN = run(
    span(0, "build", cell="a", busy=((9.0, 10.0),)),
    span(1, "environment", 0, busy=()),
    span(2, "torch", 1, 6, busy=((1.0, 4.0),), ended=4.0),
    span(3, "packages", 1, busy=((4.0, 9.0),), ended=9.0),
    span(4, "a look", 0, begun=9.0, ended=9.01, busy=((9.0, 9.01),)),
    span(5, "verify", cell="a", begun=10.0, ended=12.0, busy=((10.0, 12.0),)),
    span(6, "build", cell="b", busy=()),
)


def test_cells_come_first_and_then_what_got_on_in_its_order() -> None:
    assert [row.what for row in rows(RUN, ["a", "b"])] == ["a", "b", "torch", "packages"]


def test_a_row_tells_who_waited_and_for_how_long_it_got_on() -> None:
    cell, _, torch, packages = rows(RUN, ["a", "b"])
    assert (cell.waiters, torch.waiters, packages.waiters) == ("waited for packages", "for a, b", "for a")
    assert (cell.begun, cell.ended, cell.worked) == (0.0, 12.0, 3.0)
    assert (torch.worked, torch.ended) == (3.0, 4.0)


def test_only_what_these_cells_needed_is_told() -> None:
    assert [row.what for row in rows(RUN, ["b"])] == ["b", "torch"]
    assert rows(RUN, []) == ()


def test_many_who_wait_are_counted() -> None:
    cells = [span(number, "build", cell=f"c{number}") for number in range(1, 6)]
    told = run(span(0, "torch", *range(1, 6)), *cells)
    assert rows(told, [one.cell for one in cells])[-1].waiters == "for 5 cells"


def test_waiting_in_a_circle_ends() -> None:
    told = run(span(0, "build", cell="a"), span(1, "x", 0, 2, busy=()), span(2, "y", 1, busy=()))
    assert rows(told, ["a"])[0].waiters == ""
