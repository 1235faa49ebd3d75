"""What envbuild shows, whole: every command and every class of error, against `golden/`.

After a change that is meant: `python -m tests.screens.update`, and read the difference.
"""

import pytest

from tests.screens.case import Case
from tests.screens.cases import CASES
from tests.screens.screens import GOLDEN, screen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_screen(case: Case):
    assert screen(case) == (GOLDEN / f"{case.name}.txt").read_text()


def test_each_screen_belongs_to_a_case():
    assert sorted(path.stem for path in GOLDEN.glob("*")) == sorted(case.name for case in CASES)


def test_no_screen_shows_a_traceback_or_an_engines_wrapping():
    for path in GOLDEN.glob("*"):
        text = path.read_text()
        assert "Traceback" not in text, path.name
        assert "executor failed" not in text, path.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_does_not_end_well_says_what_to_do(case: Case):
    """Every failure has a hint or the place of a log, on either stream; success says nothing of errors."""
    text = (GOLDEN / f"{case.name}.txt").read_text()
    code = int(text.splitlines()[1].removeprefix("exit code "))
    assert code in (0, 1, 2, 3, 4, 5)
    if code:
        assert "hint: " in text or "log: " in text or "Usage: " in text
    else:
        assert "error: " not in text


def test_lines_of_help_fit_a_terminal():
    wide = [
        (path.name, line)
        for path in GOLDEN.glob("help*.txt")
        for line in path.read_text().splitlines()
        if len(line) > 80
    ]
    assert wide == []
