"""Words for the runner of GitHub Actions, which reads commands out of whatever a step prints.

A command is a line that begins with `::` (spaces before it do not count), or one with `##[` anywhere. What
comes from a matrix, a build or a container must never be one.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from builder.errors import Place, Problem
from builder.pipeline import Result
from builder.report import troubles
from builder.report.look import PLAIN
from builder.report.problems import brief

MOST = 10  # errors, and warnings, that one step may have; the runner drops the others
LONGEST = 4000  # characters of one annotation
# Whatever somebody may take for the end of a line.
_COMMAND = re.compile(r"((?:^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])\s*):(?=:)")


def running(env: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is a step of a job there."""
    return env.get("GITHUB_ACTIONS") == "true"


def harmless(text: str) -> str:
    """The same for the eye, and no command for the runner. JSON stays the same data."""
    if text.startswith(("{", "[")):
        return text.replace("##[", "\\u0023#[")
    return _COMMAND.sub(r"\1: ", text).replace("##[", "# #[")


def of_problems(problems: Iterable[Problem], env: Mapping[str, str] = os.environ) -> Iterator[str]:
    """An `::error` command for each problem, at its place where it has one. `problems` without repeats."""
    for problem in list(problems)[:MOST]:
        title = problem.cell or "envbuild"
        text = "\n".join([brief(problem.message), *([f"hint: {problem.hint}"] if problem.hint else [])])
        yield command("error", text, title=title, place=problem.place, env=env)


def of_run(results: Sequence[Result], env: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Errors for the cells that failed the run, then warnings for those that were let through."""
    failed = [result for result in results if result.exit_code]
    for result in failed[:MOST]:
        title = f"{result.cell}: {result.outcome}"
        lines = [line.strip() for line in troubles.of([result], PLAIN) if line.strip() not in ("", title)]
        yield command("error", "\n".join(lines) or result.outcome, title=title, env=env)
    allowed = [result for result in results if not result.exit_code and result.outcome == "not verified"]
    for result in allowed[:MOST]:
        text = (result.verification.reason if result.verification else None) or result.outcome
        yield command("warning", text, title=f"{result.cell}: {result.outcome}, and allowed", env=env)


def command(
    kind: Literal["error", "warning"],
    text: str,
    *,
    title: str,
    place: Place | None = None,
    env: Mapping[str, str] = os.environ,
) -> str:
    """One annotation. Lines and columns count from 1 there, too."""
    told: dict[str, object] = {"title": title}
    if place is not None:
        told |= {"file": _within(place.file, env), "line": place.line, "col": place.column}
    words = ",".join(f"{name}={_property(str(value))}" for name, value in told.items())
    return f"::{kind} {words}::{_escaped(text[:LONGEST])}"


def _within(file: str, env: Mapping[str, str]) -> str:
    """The file as the repository names it; as it is where it lies elsewhere."""
    top = env.get("GITHUB_WORKSPACE")
    path = Path(file).resolve()
    return (
        str(path.relative_to(Path(top).resolve()))
        if top and path.is_relative_to(Path(top).resolve())
        else file
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
