"""Options that are more than what click makes of them."""

from __future__ import annotations

import click
import pytest

from builder.cli import options


@pytest.mark.parametrize("text", ["version: 1\n", "<html>", '{"cells": {}}'])
def test_a_report_takes_the_place_of_no_other_file(tmp_path, text) -> None:
    own = tmp_path / "own"
    own.write_text(text)
    with pytest.raises(click.BadParameter, match="no such report"):
        options._junit(click.Context(click.Command("verify")), click.Option(["--junit"]), own)
    assert own.read_text() == text


def test_an_earlier_run_s_report_goes_also_behind_a_link(tmp_path) -> None:
    file, link = tmp_path / "file.xml", tmp_path / "link.xml"
    file.write_text('<?xml version="1.0"?>\n<testsuites name="envbuild"/>')
    link.symlink_to(file)
    assert options._junit(click.Context(click.Command("verify")), click.Option(["--junit"]), link) == link
    assert not file.exists()


def test_an_empty_file_was_made_to_be_written_to(tmp_path) -> None:
    own = tmp_path / "own"
    own.touch()
    assert options._junit(click.Context(click.Command("verify")), click.Option(["--junit"]), own) == own
