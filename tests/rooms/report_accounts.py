"""Accounts as the report has them: every kind of cell, hostile words, and as many cells as one likes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ci_results import HOSTILE, check, image, verification
from test_timeline import run as run_of
from test_timeline import span

from builder.cell import Reason
from builder.image import Piece
from builder.report.account import Account, Entry
from builder.timeline import Run
from tests.golden.cells import cell

LOSSES = [2.2670, 2.1615, 2.0347, 1.8642, 1.6359, 1.3601, 1.0795, 0.8391, 0.6547, 0.5192]
LAYERS = (
    Piece(label="torch 2.8.0", diff_id="sha256:aa", size=709_000_000),
    Piece(label="base debian:12", diff_id="sha256:bb", size=170_000_000),
)
CHECKS = (
    check("train.curve", "pass", values={"losses": LOSSES}),
    check("train.accuracy", "pass", values={"accuracy": 0.9775}),
    check("save.load", "pass", values={"bytes": 409_289}),
    check(
        "quantize.dynamic",
        "pass",
        values={"bytes": 106_003, "accuracy": 0.9712, "float_ms": 0.2963, "int8_ms": 0.2729},
        warnings=("going away",),
    ),
)
HERE = Path("/nowhere")
FOUND = {"python": "3.11.2", "torch": "2.8.0", "libc": "glibc 2.36", "processor": "a processor"}


def passed(os: str = "debian12", **more: str) -> Entry:
    proof = dataclasses.replace(verification("passed", *CHECKS), environment=FOUND)
    made = image(size=1_151_000_000, layers=LAYERS)
    return Entry(cell=cell(os=os, **more), verdict="passed", folder=HERE, image=made, proof=proof)


def failed() -> Entry:
    proof = verification("failed", check("save.load", "fail", reason=HOSTILE), reason=HOSTILE)
    return Entry(cell=cell(os="debian11"), verdict="failed", folder=HERE, image=image(), proof=proof)


def refused() -> Entry:
    reason = Reason(
        rule="glibc_too_old", weight="impossible", message="it needs <b>glibc</b> 2.28", source="s"
    )
    unfit = dataclasses.replace(cell(os="centos7"), verdict="impossible", reasons=(reason,))
    return Entry(cell=unfit, verdict="impossible", folder=HERE)


def unbuilt() -> Entry:
    return Entry(
        cell=cell(os="debian13"), verdict="build failed", folder=HERE, tail=("E: no such package", HOSTILE)
    )


def run(cells: Sequence[str]) -> Run:
    """All of them waited for one layer."""
    torch = span(0, "torch <i>2.8.0</i>", *range(1, len(cells) + 1), ended=8.0, busy=((2.0, 8.0),))
    own = [
        span(number, "build", cell=cell, busy=((8.0, 10.0),)) for number, cell in enumerate(cells, start=1)
    ]
    return run_of(torch, *own)


def account(*entries: Entry) -> Account:
    return Account(
        matrix="m & <m>.yaml",
        name="team <b>",
        facts="2026-11-23",
        lock="ab" * 32,
        entries=entries,
        runs=(run([entry.cell.id for entry in entries]),),
    )


RUN = run([])
ALL = account(passed(), passed(os="ubuntu22.04"), failed(), refused(), unbuilt())


def many(number: int) -> Account:
    oses = ["debian12", "debian13", "ubuntu22.04", "ubuntu24.04", "rocky9"]
    return account(*(passed(os=oses[n % 5], python=f"3.{n // 5}") for n in range(number)))
