"""Results of a run as a CI system gets them: good ones, bad ones, hostile ones."""

import dataclasses
from pathlib import Path

from builder.check import Check
from builder.errors import Problem
from builder.image import Image
from builder.pipeline import Result
from builder.verification import Verification

# What a container may print: colours, a bell, markup, the ends of tables, fences and CDATA, commands.
HOSTILE = (
    "\x1b[31mred\x1b[0m \x07 \x00 <b>&amp; | ``` ]]> \ud800 \nsecond ::error::line"
    "\n::set-output name=x::y ##[add-mask]z"
)


def check(name: str, status: str, **more) -> Check:
    fields = {"title": f"title of {name}", "required": True, "seconds": 0.25, **more}
    return Check(id=name, status=status, **fields)


def verification(status: str, *checks: Check, reason: str | None = None) -> Verification:
    return Verification(
        cell="c",
        image="sha256:1",
        status=status,
        reason=reason,
        level="basic",
        verifier="v",
        seconds=3.0,
        environment={},
        fingerprint={},
        checks=checks,
    )


def image(**more) -> Image:
    fields = {
        "cell": "c",
        "id": "sha256:1",
        "stored": "sha256:1",
        "tags": ("team/torch:c",),
        "size": 9,
        "base": "b",
    }
    fields |= {
        "origin": "registry",
        "recipe": "r",
        "inputs": "i",
        "packages": (),
        "layers": (),
        "seconds": 61.5,
    }
    return Image(**fields | more)


PASSED = Result(
    cell="good",
    outcome="passed",
    image=image(),
    verification=verification(
        "passed",
        check("train.curve", "pass", values={"losses": [2.3, 0.5]}, limits={"last": "<0.6"}),
        check("numpy.bridge", "warn", reason="an old bridge", hint="take numpy 2", warnings=("careful",)),
        check("settings.env", "skip", required=False, reason="nothing is claimed"),
        check("shm.size", "fail", required=False, reason="64 MB"),
    ),
)
FAILED = Result(
    cell="bad",
    outcome="failed",
    image=image(),
    exit_code=1,
    verification=verification(
        "failed",
        check("torch.import", "pass"),
        check("save.load", "fail", reason=HOSTILE, hint="hint"),
        check("quantize.dynamic", "error", reason="it crashed"),
    ),
)
WAITING = Result(
    cell="gpu",
    outcome="not verified",
    exit_code=1,
    verification=verification(
        "not verified", check("gpu.train", "skip", reason="no GPU was passed", needs="gpu"), reason="no GPU"
    ),
)
BROKEN = Result(
    cell="unbuilt",
    outcome="failed",
    exit_code=1,
    problems=(Problem(message=f"the build failed at RUN x: {HOSTILE}", hint="look", cell="unbuilt"),),
)
UNPROVEN = Result(
    cell="killed",
    outcome="error",
    image=image(),
    exit_code=1,
    verification=verification("error", check("torch.import", "pass"), reason="the verifier ended (killed)"),
)
CANCELLED = Result(cell="late", outcome="cancelled", exit_code=130, problems=(Problem(message="cancelled"),))
ALL = (PASSED, FAILED, WAITING, BROKEN, UNPROVEN, CANCELLED)


def logged(folder: Path, text: str, result: Result) -> Result:
    path = folder / "build.log"
    path.write_text(text)
    return dataclasses.replace(result, log=path)
