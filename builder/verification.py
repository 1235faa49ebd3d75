"""Image + engine → Verification: what is inside, judged against what the recipe claims.

The verifier (`builder.inside`, packed into one file) runs in the image and only reports; the verdict is made
here, from its records. An exit code alone proves nothing: every check that the level asks for must have been
reported, under this run's own nonce, and closed by a complete summary.

That catches images that are broken or mislabelled, and output that only looks like a report. It cannot catch
a Python that was made to lie: whoever controls the interpreter reads the nonce too, and can say anything.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from builder import trial
from builder.bundle import Listed, bundle_digest, listed
from builder.check import Check, reported
from builder.engine.api import Engine, RunEnd
from builder.trial import Subject, Trial

CellVerdict = Literal["passed", "failed", "not verified", "error"]

OTHER_UID = (
    "12345:12345"  # an account that no image knows: clusters run containers as whoever submits the job
)
OTHER_UID_CHECKS = ("torch.import", "train.curve", "save.load")

FOREIGN = (
    "its programs are for another architecture than this machine's: that needs emulation"
    " (qemu-user-static with its binfmt)"
)
SIGNALS = {
    132: "illegal instruction: a library in the image needs a CPU feature that this machine lacks",
    134: "aborted",
    135: "bus error: a library was cut short, or /dev/shm is too small",
    137: "killed",
    139: "segmentation fault",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The verdict on one image, and everything that it rests on."""

    cell: str | None
    image: str  # image id
    status: CellVerdict
    reason: str | None
    level: str
    verifier: str  # sha256 of the verifier that ran
    seconds: float
    environment: dict[str, Any]
    fingerprint: dict[str, Any]
    checks: tuple[Check, ...]
    asked: str = ""  # digest of what was asked: image, claim, settings, verifier, class of machine
    wanted: str = ""  # digest of what the matrix wants proven: the claim and its settings, but for the level

    @property
    def waits_for(self) -> frozenset[str]:
        """What the required checks that did not run were waiting for (`gpu` …)."""
        return frozenset(
            check.needs or check.id for check in self.checks if check.required and check.status == "skip"
        )


OnCheck = Callable[[str], None]  # the id of a check that begins


def asked(subject: Subject, host: str) -> str:
    """A digest of everything that a verdict depends on: where it is the same, so is the verdict.

    `host` tells the class of machine: a verdict says nothing of another kind of CPU or GPU.
    """
    text = json.dumps([asdict(subject), bundle_digest(), host], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def wanted(subject: Subject) -> str:
    """A digest of what a matrix wants proven of an image, however thoroughly and on whatever machine."""
    settings = {name: value for name, value in asdict(subject.settings).items() if name != "level"}
    text = json.dumps([subject.claim, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def contradiction(proof: Verification) -> str | None:
    """Why a verdict of this verifier is not what its own checks come to; None where it is."""
    if proof.status == "error":
        return None
    if broken := _incomplete(listed(proof.level), proof.checks):  # type: ignore[arg-type]  # one of these, or it fails
        return broken
    if (
        proof.level != "static"
        and not _stopped_early(proof.checks)
        and "uid.other" not in (check.id for check in proof.checks)
    ):
        return "the report is not complete: missing uid.other"
    status, _ = _judge(proof.checks)
    return f"its checks come to: {status}" if status != proof.status else None


def verify(
    subject: Subject, cell: str | None, engine: Engine, on_check: OnCheck, cancel: threading.Event
) -> Verification:
    """Run the verifier in the image, once as its own user and once as a stranger without a home, and judge.

    Raises `OutsideError` where the engine fails; everything that the image does wrong is in the verdict.
    """
    begun = time.monotonic()
    main = trial.run(subject, engine, starts(on_check), cancel)
    checks = reported(main)
    broken = _broken(main, listed(subject.settings.level), checks)
    if broken is None and subject.settings.level != "static" and not _stopped_early(checks):
        on_check("uid.other")
        checks = (*checks, _other_uid(subject, engine, cancel))
    verdict = _verdict(main, subject, checks, broken)
    return replace(verdict, cell=cell, seconds=round(time.monotonic() - begun, 3))


def judged(main: Trial, subject: Subject) -> Verification:
    """The verdict on one trial alone."""
    checks = reported(main)
    broken = _broken(main, listed(subject.settings.level), checks)
    return _verdict(main, subject, checks, broken)


def _verdict(main: Trial, subject: Subject, checks: tuple[Check, ...], broken: str | None) -> Verification:
    status, reason = ("error", broken) if broken else _judge(checks)
    return Verification(
        cell=None,
        image=subject.image,
        status=status,
        reason=reason,
        level=subject.settings.level,
        verifier=bundle_digest(),
        seconds=round(main.end.seconds, 3),
        environment=_values(main, "environment"),
        fingerprint=_values(main, "fingerprint"),
        checks=checks,
    )


def starts(on_check: OnCheck) -> trial.OnRecord:
    """Tells `on_check` of each check that begins."""

    def on_record(record: dict[str, Any]) -> None:
        if record.get("record") == "start":
            on_check(str(record.get("id")))

    return on_record


def _unheard(record: dict[str, Any]) -> None:
    """Nobody watches the second container's records come in."""
    del record


def _values(tried: Trial, kind: str) -> dict[str, Any]:
    """The values of the records of one kind, later ones over earlier."""
    merged: dict[str, Any] = {}
    for record in tried.records:
        if record.get("record") == kind:
            merged.update({key: value for key, value in record.items() if key != "record"})
    return merged


def _broken(tried: Trial, expected: Sequence[Listed], checks: Sequence[Check]) -> str | None:
    """Why the records prove nothing, or None: the container's end, a missing summary, checks that are
    missing or told twice.
    """
    if tried.end.timed_out:
        return f"ran out of time after {tried.end.seconds:.0f} s{_during(tried)}"
    if tried.end.out_of_memory:
        return f"ran out of memory{_during(tried)}"
    if b"exec format error" in tried.end.stderr[-400:].lower():
        return FOREIGN
    summaries = [record for record in tried.records if record.get("record") == "summary"]
    if not summaries or summaries[-1].get("complete") is not True:
        return f"{_ended(tried.end)}{_during(tried)} without a complete report"
    if summaries[0].get("checks") != len(checks) or len(summaries) > 1:
        return _incomplete(expected, checks) or "the report is not complete"
    return _incomplete(expected, checks)


def _incomplete(expected: Sequence[Listed], checks: Sequence[Check]) -> str | None:
    """What is missing of the checks, told twice, or weakened."""
    ids = [check.id for check in checks]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    missing = sorted({item.id for item in expected} - set(ids))
    if twice or missing:
        told = (
            f"{word} {', '.join(ids)}" for word, ids in (("missing", missing), ("told twice", twice)) if ids
        )
        return f"the report is not complete: {'; '.join(told)}"
    weakened = [item.id for item in expected if item.required and not _of(checks, item.id).required]
    waived = [name for name in weakened if _of(checks, name).status not in ("skip", "pass", "warn")]
    return f"the report weakens {', '.join(waived)}" if waived else None


def _of(checks: Sequence[Check], name: str) -> Check:
    return next(check for check in checks if check.id == name)


def _during(tried: Trial) -> str:
    """` during CHECK`, for the check that began and was not reported."""
    begun = [str(record.get("id")) for record in tried.records if record.get("record") == "start"]
    told = {record.get("id") for record in tried.records if record.get("record") == "check"}
    return f" during {begun[-1]}" if begun and begun[-1] not in told else ""


def _ended(end: RunEnd) -> str:
    """How the container ended, in words, with the last line that it said."""
    said = end.stderr.decode("utf-8", "replace").strip().splitlines()
    words = SIGNALS.get(end.exit_code) or f"exit code {end.exit_code}"
    return f"the verifier ended ({words}{': ' + said[-1][:300] if said else ''})"


def _stopped_early(checks: Sequence[Check]) -> bool:
    """Whether torch could not even be imported: a second container would only say so again."""
    return any(check.id == "torch.import" and check.status in ("fail", "error") for check in checks)


def _other_uid(subject: Subject, engine: Engine, cancel: threading.Event) -> Check:
    """Train and save once more as an account that the image does not know, without HOME."""
    begun = time.monotonic()
    stranger = replace(subject, user=OTHER_UID, homeless=True, only=OTHER_UID_CHECKS, gpus=False)
    tried = trial.run(stranger, engine, _unheard, cancel)
    checks = reported(tried)
    wrong = [check for check in checks if check.status not in ("pass", "warn")]
    missing = sorted(set(OTHER_UID_CHECKS) - {check.id for check in checks})
    ended = tried.end.exit_code if not missing else None
    reason = next((f"{check.id}: {check.reason}" for check in wrong), None)
    if missing:
        reason = f"{_ended(tried.end)}{_during(tried)}, not reached: {', '.join(missing)}"
    return Check(
        id="uid.other",
        title="trains and saves as another user, without HOME",
        status="fail" if reason else "pass",
        required=True,
        seconds=round(time.monotonic() - begun, 3),
        values={"user": OTHER_UID, "exit_code": ended},
        reason=reason,
        hint="make the environment readable for everybody, and let nothing need HOME" if reason else None,
    )


def _judge(checks: Sequence[Check]) -> tuple[CellVerdict, str | None]:
    """The verdict that complete records make: failed before error before not verified before passed."""
    required = [check for check in checks if check.required]
    failed = [check for check in required if check.status == "fail"]
    if failed:
        return "failed", "; ".join(f"{check.id}: {check.reason}" for check in failed)
    errors = [check for check in required if check.status == "error"]
    if errors:
        return "error", "; ".join(f"{check.id}: {check.reason}" for check in errors)
    skipped = [check for check in required if check.status == "skip"]
    if skipped:
        return "not verified", "; ".join(f"{check.id}: {check.reason}" for check in skipped)
    return ("passed", None) if required else ("error", "no check ran")
