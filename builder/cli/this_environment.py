"""`envbuild verify --here`: the proof for the environment that this command runs in."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from builder import here, records, verification
from builder.cli import ci, running, selection
from builder.cli.running import Flags
from builder.errors import InputError
from builder.events import Finished, Progressed
from builder.matrix import VerifySettings
from builder.pipeline import Result
from builder.report.follow import View, watching
from builder.trial import Subject
from builder.verification import Verification

DRIVER = Path("/proc/driver/nvidia/version")  # there where NVIDIA's driver is loaded, in containers too
IMAGE = "here"  # in the place of an image's id


def verify(matrix: str | None, only: tuple[str, ...], python: str | None, flags: Flags) -> int:
    """Verify it, show the result, and return the exit code. With a matrix, as the cell that `only` names."""
    ci.ready(flags.junit)
    name, subject = _subject(matrix, only, flags)
    found = _placed(python) if python else here.interpreter()
    name = name or found
    proof = _proven(name, found, subject, flags)
    allowed = proof.status == "not verified" and proof.waits_for <= running.allowed(flags)
    code = 0 if proof.status == "passed" or allowed else 1
    running.show((Result(cell=name, outcome=proof.status, verification=proof, exit_code=code),), None, flags)
    return code


def _placed(python: str) -> str:
    """The same program from any folder: the verifier has one of its own. A link stays one, because it tells
    which environment is meant.
    """
    return str(Path(python).absolute()) if "/" in python else python


def _subject(matrix: str | None, only: tuple[str, ...], flags: Flags) -> tuple[str, Subject]:
    """The cell, if it is known, and what is tried; what it must be is known from a matrix alone."""
    settings, claim, name = VerifySettings(), None, ""
    if matrix is not None:
        chosen = selection.select(Path(matrix), only)
        if len(chosen.chosen) != 1:
            message = f"this environment can be one cell, and {len(chosen.chosen)} are chosen"
            raise InputError.of(message, hint="name the one that it is: --only CELL")
        (recipe,) = chosen.recipes()
        settings, claim, name = chosen.matrix.verify, records.plain(recipe.claim), recipe.cell.id
    with_gpus = DRIVER.exists() if flags.gpus is None else flags.gpus
    return name, Subject(
        image=IMAGE,
        claim=claim,
        settings=running.settings(settings, flags),
        gpus=with_gpus,
        mnist=str(flags.data.resolve()) if flags.data else None,
    )


def _proven(name: str, python: str, subject: Subject, flags: Flags) -> Verification:
    begun, stop = time.monotonic(), threading.Event()
    view = View(
        cells=1, stages=("verify",), stopping=stop, quiet=flags.quiet, verbose=flags.verbose, checks=True
    )
    with watching(view) as viewer:

        def on_check(check: str) -> None:
            viewer.see(Progressed(cell=name, stage="verify", step=check))

        tried = here.run(python, subject, verification.starts(on_check), stop)
        proof = verification.judged(tried, subject)
        spent = time.monotonic() - begun
        viewer.see(Finished(cell=name, stage="verify", outcome=proof.status, seconds=spent))
    return proof
