"""`envbuild verify IMAGE`: the proof for one image that no matrix tells about."""

from __future__ import annotations

import time
from dataclasses import replace

from builder import verification
from builder.cli import running
from builder.cli.running import Flags
from builder.errors import InputError
from builder.events import Finished, Progressed, Started
from builder.matrix import VerifySettings
from builder.pipeline import Result
from builder.ports import Ports
from builder.report.follow import Viewer, watching
from builder.trial import Subject
from builder.verification import Verification


def verify(reference: str, flags: Flags) -> int:
    """Verify the image, show the result, and return the exit code."""
    if any(character.isspace() for character in reference) or not reference:
        raise InputError.of(f"{reference!r} is neither a matrix file nor an image", hint="check its spelling")
    with running.ports(flags.engine) as outside:
        view = replace(running.view(1, "verify", flags, outside), checks=True)
        with watching(view) as viewer:
            proof = _proven(reference, flags, outside, viewer)
    allowed = proof.status == "not verified" and proof.waits_for <= running.allowed(flags)
    code = 0 if proof.status == "passed" or allowed else 1
    running.show(
        (Result(cell=reference, outcome=proof.status, verification=proof, exit_code=code),), None, flags
    )
    return code


def _proven(reference: str, flags: Flags, outside: Ports, viewer: Viewer) -> Verification:
    begun = time.monotonic()
    image = _found(reference, outside, viewer)
    viewer.see(Started(cell=reference, stage="verify"))
    subject = Subject(
        image=image,
        claim=None,
        settings=running.settings(VerifySettings(), flags),
        gpus=running.gpus(flags, outside),
        mnist=str(flags.data.resolve()) if flags.data else None,
    )

    def on_check(check: str) -> None:
        viewer.see(Progressed(cell=reference, stage="verify", step=check))

    proof = verification.verify(subject, None, outside.engine, on_check, outside.cancel)
    spent = time.monotonic() - begun
    viewer.see(Finished(cell=reference, stage="verify", outcome=proof.status, seconds=spent))
    return proof


def _found(reference: str, outside: Ports, viewer: Viewer) -> str:
    """The id of the engine's own copy, or of one that is pulled now."""
    found = outside.engine.find(reference)
    if found is None:
        platform = "linux/arm64" if outside.engine.about().arch == "aarch64" else "linux/amd64"
        found = outside.engine.pull(
            reference,
            platform,
            lambda progress: viewer.see(
                Progressed(
                    cell=reference,
                    stage="base",
                    step=progress.step,
                    current=progress.current,
                    total=progress.total,
                )
            ),
        )
    return found.id
