"""A matrix and what its records tell → one value for every form of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import records
from builder.cell import Cell
from builder.cellwork import CANCELLED
from builder.image import Image
from builder.recipe import Recipe
from builder.records import plain
from builder.report.look import shown
from builder.report.plan_table import cell_as_json, standing
from builder.timeline import Run
from builder.verification import Verification

SCHEMA = "envbuild.report/1"
TAIL = 20  # lines of the log of a build that failed
VERSIONS = ("python", "torch", "cuda", "cudnn", "nccl", "libc", "processor", "cpu_capability", "kernel")
GOOD, OPEN, BAD = "good", "open", "bad"
KINDS = {
    "passed": GOOD,
    "failed": BAD,
    "error": BAD,
    "build failed": BAD,
    "impossible": BAD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cell: its `verdict` in a word or two, and the records behind it, as far as they are of its recipe
    of today. `folder` holds them; `tail` is the end of the log where the build failed.
    """

    cell: Cell
    verdict: str
    folder: Path
    image: Image | None = None
    proof: Verification | None = None
    tail: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Whether that is good, bad, or still open."""
        return KINDS.get(self.verdict, OPEN)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not good."""
        if self.proof is not None and self.proof.reason:
            return (self.proof.reason,)
        if self.verdict == "damaged":
            return (f"the records in {self.folder} cannot be read: build and verify it anew",)
        blocking = tuple(reason.message for reason in self.cell.reasons if reason.weight != "warning")
        return blocking if self.image is None else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be known of it all the same."""
        told = [reason.message for reason in self.cell.reasons if reason.weight == "warning"]
        for check in self.proof.checks if self.proof else ():
            if check.status == "warn" or (check.status in ("fail", "error") and not check.required):
                told.append(f"{check.id}: {check.reason or check.title}")
            told += [f"{check.id}: {' '.join(text.split())}" for text in check.warnings]
        return tuple(dict.fromkeys(told))

    def figure(self, check: str, name: str) -> float | None:
        """One figure of one check; None where it was not measured."""
        told = self._told(check, name)
        return told if isinstance(told, (int, float)) else None

    def _told(self, check: str, name: str) -> Any:
        found = [one for one in (self.proof.checks if self.proof else ()) if one.id == check]
        return found[0].values.get(name) if found else None

    @property
    def versions(self) -> dict[str, str]:
        """What was found inside."""
        return versions(self.proof)

    @property
    def losses(self) -> tuple[float, ...]:
        """The mean loss of each epoch."""
        told = self._told("train.curve", "losses")
        return (
            tuple(told) if isinstance(told, list) and all(isinstance(x, (int, float)) for x in told) else ()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All cells of a matrix, the lock's digest (empty without one), the date of the tables, and the runs that
    did something last.
    """

    matrix: str
    name: str
    facts: str
    lock: str
    entries: tuple[Entry, ...]
    runs: tuple[Run, ...] = ()

    @property
    def shared(self) -> dict[str, tuple[str, ...]]:
        """Layers that several images have, by diff_id: the cells."""
        having: dict[str, list[str]] = {}
        for entry in self.entries:
            for layer in entry.image.layers if entry.image else ():
                having.setdefault(layer.diff_id, []).append(entry.cell.id)
        return {diff_id: tuple(cells) for diff_id, cells in having.items() if len(cells) > 1}


def versions(proof: Verification | None) -> dict[str, str]:
    """What a verification found inside, by name."""
    told = proof.environment if proof else {}
    return {name: str(told[name]) for name in VERSIONS if told.get(name)}


def entries(cells: Sequence[Cell], recipes: Sequence[Recipe], folder: Path) -> tuple[Entry, ...]:
    """Every cell with what is known of it; records of another recipe or another image tell nothing."""
    digests = {recipe.cell.id: recipe.digest for recipe in recipes}
    return tuple(_entry(cell, digests.get(cell.id), folder / cell.id) for cell in cells)


def _entry(cell: Cell, digest: str | None, folder: Path) -> Entry:
    if digest is None:
        return Entry(cell=cell, verdict=standing(cell), folder=folder)
    verdict, image, proof = known(folder)
    if image is not None and image.recipe != digest:
        return Entry(cell=cell, verdict="stale", folder=folder)
    tail = tuple(_tail(folder / "build.log")) if verdict == "build failed" else ()
    return Entry(cell=cell, verdict=verdict, folder=folder, image=image, proof=proof, tail=tail)


def known(folder: Path) -> tuple[str, Image | None, Verification | None]:
    """The verdict in a word or two that a cell's records come to, whatever the matrix says today."""
    if records.damaged(folder):
        return "damaged", None, None
    image, proof = records.read_image(folder), records.read_verification(folder)
    if image is None:
        *_, last = ("", *_tail(folder / "build.log"))
        state = {"": "not built", CANCELLED: "cancelled"}.get(last, "build failed")
        return state, None, None
    if proof is None or proof.image != image.id:
        return "built", image, None
    static = " (static)" if (proof.status, proof.level) == ("passed", "static") else ""
    return proof.status + static, image, proof


def as_json(account: Account) -> dict[str, Any]:
    """The account as data; see docs/report.schema.json."""
    cells = [
        {
            "id": entry.cell.id,
            "verdict": entry.verdict,
            "reasons": list(entry.reasons),
            "warnings": list(entry.warnings),
            "tail": list(entry.tail),
            "cell": cell_as_json(entry.cell),
            "image": plain(entry.image),
            "verification": plain(entry.proof),
        }
        for entry in account.entries
    ]
    head = {"matrix": account.matrix, "name": account.name, "facts": account.facts, "lock": account.lock}
    return {"schema": SCHEMA, **head, "cells": cells, "runs": [plain(run) for run in account.runs]}


def _tail(log: Path) -> Iterator[str]:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return
    yield from (shown(line) for line in lines[-TAIL:])
