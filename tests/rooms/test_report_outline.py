"""The report in Markdown."""

from __future__ import annotations

from report_accounts import ALL, RUN, account

from builder.report.outline import markdown

LINES = markdown(ALL).splitlines()


def test_every_cell_has_a_line_with_its_figures_bad_ones_first() -> None:
    rows = [line for line in LINES if line.startswith("| `")]
    assert len(rows) == len(ALL.entries)
    assert [("❌" in row) for row in rows] == [True, True, True, False, False]
    good = "✅ passed | 1,151 MB | 62 s | 3.0 s | 0.5192 | 409,289 → 106,003 B | 97.12% |"
    assert rows[-1].endswith(good)


def test_why_a_cell_is_not_good_is_told_behind_a_fence() -> None:
    text = "\n".join(LINES)
    assert "it needs <b>glibc</b> 2.28" in text
    assert "E: no such package" in text
    begins = [line for line in LINES if line.startswith("```")]
    assert len(begins) % 2 == 0


def test_shared_layers_and_runs_are_told() -> None:
    assert "| torch 2.8.0 | 709 MB | 2 |" in LINES
    assert f"Run of {RUN.begun}: 20 s on docker 28, 2 at once." in LINES


def test_it_can_be_made_of_nothing() -> None:
    assert "0 cells" in markdown(account())
