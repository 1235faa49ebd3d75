"""Ctrl-C while an event is being shown is the run's to deal with, like one while it waits for events."""

from __future__ import annotations

import pytest

from builder import pipeline
from builder.events import Event
from builder.pipeline import Options
from builder.report import follow
from tests.screens.stand_ins import Waiting, ports, works_of

MATRIX = """
version: 1
image: team/torch
matrix: {os: [debian12], python: ["3.11", "3.12"], cuda: [cpu], torch: ["2.8.0"]}
"""


class Interrupted:
    """A viewer in which Ctrl-C strikes at the first event."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.closed = False

    def see(self, event: Event) -> None:
        self.seen.append(event)
        if len(self.seen) == 1:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


def test_ctrl_c_while_an_event_is_shown(tmp_path, monkeypatch):
    outside, viewer = ports(tmp_path, Waiting()), Interrupted()
    monkeypatch.setattr(follow, "_viewer", lambda stream, view: viewer)
    view = follow.View(cells=2, stages=("fetch", "build"), stopping=outside.cancel)
    monkeypatch.setattr(pipeline, "AHEAD", 0)
    run = pipeline.run(works_of(tmp_path, MATRIX), outside, Options(jobs=1, verify=False))
    try:
        results = follow.follow(run, view)
    except KeyboardInterrupt:
        pytest.fail("the run was left alone")
    assert outside.cancel.is_set()
    assert viewer.closed
    assert len(viewer.seen) > 1
    assert [result.outcome for result in results] == ["cancelled", "skipped"]
    assert {result.exit_code for result in results} == {130}
