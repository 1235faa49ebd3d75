"""The end of a run: a line per cell with size, time, verdict, final loss and quantized size; then what went
wrong, and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builder.pipeline import Result
from builder.records import plain
from builder.report import problems
from builder.verification import Verification

SCHEMA = "envbuild.results/1"
HEAD = ("CELL", "VERDICT", "SIZE", "BUILD", "VERIFY", "LOSS", "INT8")


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """The results as data; see docs/results.schema.json."""
    return {"schema": SCHEMA, "cells": [plain(result) for result in results]}


def as_text(results: Sequence[Result]) -> str:
    """The table, then each cell that did not come through with its reason, hint and log."""
    rows = [HEAD, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    table = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*table, *(line for result in results for line in _trouble(result))])


def _row(result: Result) -> tuple[str, ...]:
    image, proof = result.image, result.verification
    return (
        result.cell,
        result.outcome,
        f"{image.size / 1e6:.0f} MB" if image else "-",
        f"{image.seconds:.0f} s" if image else "-",
        f"{proof.seconds:.0f} s" if proof else "-",
        _number(_last(_value(proof, "train.curve", "losses")), "{:.4f}"),
        _number(_value(proof, "quantize.dynamic", "size_ratio"), "{:.3f}"),
    )


def _value(proof: Verification | None, check: str, name: str) -> object:
    """One figure of one check, where it was measured."""
    found = [c for c in proof.checks if c.id == check] if proof else []
    return found[0].values.get(name) if found else None


def _last(value: object) -> object:
    """The last of several figures."""
    return value[-1] if isinstance(value, list) and value else None


def _number(value: object, form: str) -> str:
    return form.format(value) if isinstance(value, (int, float)) else "-"


def _trouble(result: Result) -> list[str]:
    """What a user needs of a cell that did not pass, and the warnings of one that did."""
    told: list[str] = []
    if result.problems:
        told += ["", f"{result.cell}: {result.outcome}"]
        told += [f"  {line}" for problem in result.problems for line in problems.lines(problem)]
    told += _checks(result)
    if told and result.log and result.log.is_file():
        told.append(f"  log: {result.log}")
    return told


def _checks(result: Result) -> list[str]:
    proof = result.verification
    if proof is None:
        return []
    marked = [c for c in proof.checks if c.status == "warn" or (c.required and c.status != "pass")]
    if not marked and proof.status == "passed":
        return []
    told = ["", f"{result.cell}: {proof.status}"]
    if proof.status == "error" and proof.reason:
        told.append(f"  error: {proof.reason}")
    for check in marked:
        told.append(f"  {check.status}: {check.id}: {check.reason or check.title}")
        told += [f"      hint: {check.hint}"] if check.hint and check.status in ("fail", "warn") else []
    return told
