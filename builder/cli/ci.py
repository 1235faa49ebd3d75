"""What a command leaves for the CI system that it runs in: JUnit XML, a summary, annotations."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from builder import files
from builder.cli import folders
from builder.cli.screen import speak, warn
from builder.errors import EnvbuildError, Problem
from builder.pipeline import Result
from builder.report import github, markdown

SUMMARY = "GITHUB_STEP_SUMMARY"  # names a file; other systems may set it too


def ready(junit: Path | None) -> None:
    """Raises `InputError` where the report could not be written: better now than after hours."""
    if junit is not None and not files.is_stream(junit):
        folders.writable(junit.parent, "--junit")


@contextmanager
def answering(cells: Iterable[str], junit: Path | None) -> Iterator[None]:
    """Where an error ends all before a cell is begun, the report has it for each of them."""
    try:
        yield
    except EnvbuildError as error:
        if junit is not None:
            lost = [
                Result(cell=cell, outcome="failed", problems=error.problems, exit_code=error.exit_code)
                for cell in cells
            ]
            _report(lost, junit)
        raise


def _report(found: Sequence[Result], junit: Path) -> None:
    from builder.report.junit import as_xml  # noqa: PLC0415  ElementTree is for those who ask

    files.write(junit, as_xml(found))


def results(found: Sequence[Result], junit: Path | None) -> None:
    """Leave what a run of cells ended in."""
    if junit is not None:
        _report(found, junit)
    if os.environ.get(SUMMARY):
        _summarize(markdown.of_run(found))
    if github.running():
        for line in github.of_run(found):
            speak(line)


def problems(found: Sequence[Problem]) -> None:
    """Leave what kept a command from its work."""
    if os.environ.get(SUMMARY):
        _summarize(markdown.of_problems(found))
    if github.running():
        for line in github.of_problems(found):
            speak(line)


def _summarize(text: str) -> None:
    try:
        with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:  # the run is what it was
        warn(f"the summary was not written: {error.strerror or error}")
