"""`envbuild verify IMAGE`: the proof for one image that no matrix tells about."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from builder import verification
from builder.cli import ci, running
from builder.cli.running import Flags
from builder.engine.api import ImageFacts, Progress
from builder.errors import InputError
from builder.events import Finished, Progressed, Started
from builder.matrix import VerifySettings
from builder.pipeline import Result
from builder.ports import Ports
from builder.registry import parse
from builder.report.follow import Viewer, watching
from builder.trial import Subject
from builder.verification import Verification


def verify(reference: str, flags: Flags) -> int:
    """Verify the image, show the result, and return the exit code."""
    if any(character.isspace() for character in reference) or not reference:
        raise InputError.of(f"{reference!r} is neither a matrix file nor an image", hint="check its spelling")
    if not re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", reference):  # an id of the engine's is no name
        parse(reference)
    ci.ready(flags.junit)
    with running.ports(flags.engine) as outside:
        view = replace(running.view(1, ("verify",), flags, outside), checks=True)
        with watching(view) as viewer:
            proof = _proven(reference, flags, outside, viewer)
    allowed = proof.status == "not verified" and proof.waits_for <= running.allowed(flags)
    code = 0 if proof.status == "passed" or allowed else 1
    running.show(
        (Result(cell=reference, outcome=proof.status, verification=proof, exit_code=code),), None, flags
    )
    return code


def _proven(reference: str, flags: Flags, outside: Ports, viewer: Viewer) -> Verification:
    return proven(reference, _found(reference, outside, viewer), flags, outside, viewer)


def proven(reference: str, image: str, flags: Flags, outside: Ports, viewer: Viewer) -> Verification:
    """The verdict on an image of the engine, shown under the name `reference`."""
    begun = time.monotonic()
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
    return (found or pulled(reference, reference, platform(outside), outside, viewer)).id


def platform(outside: Ports) -> str:
    """What the engine runs."""
    return "linux/arm64" if outside.engine.about().arch == "aarch64" else "linux/amd64"


def pulled(name: str, reference: str, platform: str, outside: Ports, viewer: Viewer) -> ImageFacts:
    """The image as the engine has it after pulling it, shown under `name`."""

    def tell(progress: Progress) -> None:
        step, now, total = progress.step, progress.current, progress.total
        viewer.see(Progressed(cell=name, stage="base", step=step, current=now, total=total))

    return outside.engine.pull(reference, platform, tell)
