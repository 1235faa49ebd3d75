"""What two rounds made of the same lock, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from builder.report import problems
from builder.reproduction import Compared

HINT = "what writes times or random values as it is installed cannot be repeated: do without it, or report it"


def as_text(results: Sequence[Compared]) -> str:
    """A line per cell; below one that differs, its layers, and the paths in them."""
    lines = [line for result in results for line in _lines(result)]
    same = sum(result.same for result in results)
    cells = "1 cell" if len(results) == 1 else f"{len(results)} cells"
    hint = [f"hint: {HINT}"] if any(result.differing for result in results) else []
    return "\n".join(
        [*lines, "", f"{cells}: {same} the same in both rounds, {len(results) - same} not", *hint]
    )


def _lines(result: Compared) -> Iterator[str]:
    if result.same:
        yield f"{result.cell}  same  {result.ids[0]}"
        return
    yield f"{result.cell}  " + ("differs  " + "  ".join(result.ids) if result.ids else "failed")
    for problem in result.problems:
        yield from (f"  {line}" for line in problems.lines(problem))
    for label, found in result.differing:
        yield f"  layer of {label}" + ("" if found else ": only in one of the two")
        for one in found:
            yield f"    /{one.path}: {one.what}: {one.why}"


def as_json(results: Sequence[Compared]) -> dict[str, Any]:
    """`cells`: id, whether it is the same, the image IDs of both rounds, and what differs."""
    return {
        "cells": [
            {
                "cell": result.cell,
                "same": result.same,
                "ids": result.ids,
                "differing": [
                    {"layer": label, "paths": [{"path": d.path, "what": d.what, "why": d.why} for d in found]}
                    for label, found in result.differing
                ],
                "problems": [problem.message for problem in result.problems],
            }
            for result in results
        ]
    }
