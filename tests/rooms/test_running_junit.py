"""JUnit of a run that ended before any cell was begun: no file would look like no failure."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from builder.cli import running, selection
from builder.cli.running import Flags
from builder.errors import OutsideError

QUICKSTART = Path(__file__).resolve().parents[2] / "matrices" / "quickstart.yaml"


def test_every_cell_has_the_error_that_ended_the_run(tmp_path, monkeypatch) -> None:
    @contextmanager
    def no_engine(*_):
        raise OutsideError.of("no container engine answers", hint="start Docker or Podman")
        yield

    monkeypatch.setattr(running, "ports", no_engine)
    (tmp_path / "own.yaml").write_text(QUICKSTART.read_text())
    chosen, report = selection.select(tmp_path / "own.yaml"), tmp_path / "report.xml"
    flags = Flags(
        jobs=1, fail_fast=False, out=tmp_path / "out", engine=None, as_json=False, quiet=True, verbose=False,
        junit=report,
    )  # fmt: skip
    with pytest.raises(OutsideError):
        running.run(chosen, flags, build=True, verify=True)
    suites = ElementTree.fromstring(report.read_text())  # noqa: S314  it was made here
    assert [suite.get("name") for suite in suites] == [cell.id for cell in chosen.chosen]
    assert {suite.get("errors") for suite in suites} == {"1"}
    assert "no container engine answers" in report.read_text()
