"""The verdict: records in, judgement out. The container is played here; tests/real/ has real ones."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace

import pytest

from builder import verification
from builder.bundle import bundle_digest, listed
from builder.engine.api import RunEnd, RunRequest
from builder.matrix import VerifySettings
from builder.trial import LINE_LIMIT, Subject

SUBJECT = Subject(image="sha256:image", claim=None, settings=VerifySettings())
CLEAN = RunEnd(exit_code=0, out_of_memory=False, timed_out=False, stdout=b"", stderr=b"", seconds=1.0)
NEVER = threading.Event()


def check(name: str, status: str = "pass", **more: object) -> dict[str, object]:
    body = {"record": "check", "id": name, "title": name, "status": status, "required": True, "seconds": 0.1}
    return {
        **body,
        "values": {},
        "limits": {},
        "reason": None,
        "hint": None,
        "needs": None,
        "warnings": [],
        **more,
    }


def whole(*changed: dict[str, object]) -> list[dict[str, object]]:
    """Every check of the basic level, passed but for those given, and the summary."""
    by_id = {one["id"]: one for one in changed}
    checks = [by_id.get(item.id) or check(item.id, required=item.required) for item in listed("basic")]
    return [
        {"record": "begin"},
        *checks,
        {"record": "summary", "complete": True, "checks": len(checks), "counts": {}},
    ]


class Stage:
    """An engine whose container says what the test wants it to say."""

    def __init__(
        self, records: list[dict[str, object]], end: RunEnd = CLEAN, nonce: str | None = None
    ) -> None:
        self.records, self.end, self.nonce = records, end, nonce
        self.requests: list[RunRequest] = []

    def run(self, request: RunRequest, on_stdout, cancel) -> RunEnd:
        self.requests.append(request)
        options = json.loads(re.search(rb'\{"nonce".*', request.stdin, re.S)[0])
        nonce = self.nonce or options["nonce"]
        records = self.records
        if options["only"]:
            kept = [r for r in records if r.get("id") in options["only"]]
            records = [*kept, {"record": "summary", "complete": True, "checks": len(kept)}]
        text = "".join(f"envbuild-record {nonce} {json.dumps(record)}\n" for record in records).encode()
        for start in range(0, len(text), 777):  # records arrive in pieces
            on_stdout(text[start : start + 777])
        return self.end


def verify(stage: Stage, subject: Subject = SUBJECT) -> verification.Verification:
    return verification.verify(subject, "cell", stage, lambda name: None, NEVER)


def test_a_complete_report_without_a_fault_passes() -> None:
    proof = verify(Stage(whole()))
    assert (proof.status, proof.reason) == ("passed", None)
    assert proof.checks[-1].id == "uid.other"
    assert proof.verifier == bundle_digest()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("fail", "failed"), ("error", "error"), ("skip", "not verified"), ("warn", "passed")],
)
def test_one_required_check_decides(status: str, verdict: str) -> None:
    proof = verify(Stage(whole(check("train.accuracy", status, reason="because", needs="gpu"))))
    assert proof.status == verdict
    if verdict != "passed":
        assert "train.accuracy: because" in str(proof.reason)


def test_a_failure_outweighs_what_could_not_be_checked() -> None:
    faults = (
        check("train.accuracy", "skip", needs="gpu"),
        check("save.load", "fail"),
        check("numpy.bridge", "error"),
    )
    assert verify(Stage(whole(*faults))).status == "failed"


def test_exit_0_without_a_summary_is_an_error() -> None:
    proof = verify(Stage(whole()[:-1]))
    assert proof.status == "error"
    assert "without a complete report" in str(proof.reason)


@pytest.mark.parametrize(
    "words", [b"exec /bin/sh: exec format error\n", b"tini: exec /bin/sh failed: Exec format error"]
)
def test_an_image_for_another_architecture_is_told_as_such(words: bytes) -> None:
    ended = replace(CLEAN, exit_code=1, stderr=words)
    proof = verify(Stage([], end=ended))
    assert (proof.status, proof.reason) == ("error", verification.FOREIGN)


def test_a_verdict_under_another_nonce_counts_for_nothing() -> None:
    assert verify(Stage(whole(), nonce="0" * 32)).status == "error"


def test_a_check_that_is_missing_is_an_error_that_names_it() -> None:
    records = [record for record in whole() if record.get("id") != "quantize.dynamic"]
    records[-1] = {**records[-1], "checks": len(records) - 2}
    proof = verify(Stage(records))
    assert proof.status == "error"
    assert "quantize.dynamic" in str(proof.reason)


def test_a_check_told_twice_is_an_error() -> None:
    records = [*whole()[:-1], check("save.load"), whole()[-1]]
    records[-1] = {**records[-1], "checks": len(records) - 2}
    assert "told twice save.load" in str(verify(Stage(records)).reason)


def test_a_required_check_cannot_be_called_optional_to_hide_its_failure() -> None:
    proof = verify(Stage(whole(check("save.load", "fail", required=False))))
    assert proof.status == "error"
    assert "save.load" in str(proof.reason)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            replace(CLEAN, timed_out=True, exit_code=137, seconds=600.0),
            "ran out of time after 600 s during train.curve",
        ),
        (replace(CLEAN, out_of_memory=True, exit_code=137), "ran out of memory during train.curve"),
        (replace(CLEAN, exit_code=139, stderr=b"x\nboom\n"), "segmentation fault: boom) during train.curve"),
        (replace(CLEAN, exit_code=132), "illegal instruction"),
        (
            replace(CLEAN, exit_code=127, stderr=b"there is no Python 3.6 or newer in this image"),
            "no Python 3.6",
        ),
    ],
)
def test_how_a_container_died_is_told_with_the_check_it_died_in(end: RunEnd, words: str) -> None:
    proof = verify(Stage([{"record": "begin"}, {"record": "start", "id": "train.curve"}], end))
    assert proof.status == "error"
    assert words in str(proof.reason)


def test_running_out_of_time_is_an_error_even_after_a_whole_report() -> None:
    assert verify(Stage(whole(), replace(CLEAN, timed_out=True))).status == "error"


def test_the_stranger_runs_without_home_and_under_another_uid() -> None:
    stage = Stage(whole())
    verify(stage)
    first, second = stage.requests
    assert (first.user, second.user) == (None, "12345:12345")
    assert "unset HOME" in second.command[0]
    assert "unset HOME" not in first.command[0]


def test_its_containers_have_nothing_but_the_folder_that_was_named() -> None:
    bare, given = Stage(whole()), Stage(whole())
    verify(bare)
    verify(given, replace(SUBJECT, mnist="/srv/mnist"))
    for stage, mounts in ((bare, ()), (given, (("/srv/mnist", "/data/mnist"),))):
        assert {(one.network, one.writable, one.gpus, one.mounts) for one in stage.requests} == {
            ("none", False, False, mounts)
        }


def test_a_stranger_who_cannot_train_fails_the_image() -> None:
    class Unwelcome(Stage):
        def run(self, request: RunRequest, on_stdout, cancel) -> RunEnd:
            if request.user:
                return replace(CLEAN, exit_code=1, stderr=b"PermissionError: /opt/env")
            return super().run(request, on_stdout, cancel)

    proof = verify(Unwelcome(whole()))
    assert proof.status == "failed"
    assert "PermissionError" in str(proof.reason)


def test_what_a_gpu_is_missing_for_can_be_allowed_by_name() -> None:
    proof = verify(Stage(whole(check("train.accuracy", "skip", needs="gpu"))))
    assert proof.waits_for == {"gpu"}


def test_an_endless_line_does_not_fill_memory() -> None:
    lines = verification.trial.Records("n", lambda record: None)
    for _ in range(4):
        lines.feed(b"x" * LINE_LIMIT)
    assert len(lines._rest) <= LINE_LIMIT
