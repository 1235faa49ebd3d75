"""What engines tell during a build, and what comes of it. The traces are a real daemon's (Docker 20.10)."""

import json
from pathlib import Path

import pytest

from builder.engine import wire
from builder.engine.api import Progress
from builder.engine.lines import Lines, clean
from builder.engine.transcripts import BuildKitTranscript, PlainTranscript, Transcript

HERE = Path(__file__).parent


def told(transcript: Transcript, messages: list[dict]) -> list[Progress]:
    return [progress for message in messages for progress in transcript.read(message)] + list(
        transcript.rest()
    )


def traced(name: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / f"engine_trace_{name}.jsonl").read_text().splitlines()]


def test_a_real_trace_becomes_steps_and_whole_lines():
    said = told(BuildKitTranscript(), traced("built"))
    step = "[2/2] RUN echo one; printf to; sleep 0.1; echo rn"
    assert [(each.line, each.done) for each in said if each.step == step] == [
        (None, False),
        ("one", False),
        ("torn", False),
        (None, True),
    ]
    assert said[0].step == "[internal] load remote build context"
    assert said[-1] == Progress(step="exporting to image", done=True)


def test_a_real_failure_is_told_with_step_error_and_last_lines():
    transcript = BuildKitTranscript()
    said = told(transcript, traced("failed"))
    step, error, lines = transcript.failure()
    assert step == "[second 1/1] RUN seq 30; echo last >&2; exit 3"
    assert error is not None
    assert error.endswith("exit code: 3")
    assert lines == (*map(str, range(12, 31)), "last")
    assert [each.cached for each in said if "first 2/2" in each.step and each.done] == [True]


def field(number: int, content: bytes | int) -> bytes:
    """A protobuf field, short ones only."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def test_bytes_of_a_download_are_told():
    vertex = field(1, field(1, b"d") + field(3, b"FROM x") + field(5, b""))
    status = field(2, field(1, b"layer") + field(2, b"d") + field(4, 7) + field(5, 90))
    (vertex_seen, status_seen) = wire.read(vertex + status)
    assert isinstance(vertex_seen, wire.Vertex)
    assert (vertex_seen.name, vertex_seen.started, vertex_seen.completed) == ("FROM x", True, False)
    assert status_seen == wire.Status(name="layer", vertex="d", current=7, total=90)


def test_the_step_that_failed_itself_counts_not_those_called_off_for_it():
    import base64

    raw = b"".join(
        field(1, field(1, name) + field(3, name) + field(7, error))
        for name, error in ((b"a", b"context canceled"), (b"b", b"exit code: 1"))
    )
    transcript = BuildKitTranscript()
    told(transcript, [{"id": "moby.buildkit.trace", "aux": base64.b64encode(raw).decode()}])
    assert transcript.failure()[:2] == ("b", "exit code: 1")


def test_numbers_of_many_bytes_and_unknown_fields():
    raw = field(2, b"\x20\xac\x02" + field(9, b"new") + b"\x55\x01\x02\x03\x04") + field(7, b"newer")
    assert wire.read(raw) == (wire.Status(name="", vertex="", current=300, total=0),)


@pytest.mark.parametrize(
    "raw", [b"\x0a", b"\x0a\x05x", b"\x08", b"\x08" + b"\xff" * 20, b"\x0b", b"\x0a\x02\x08\x01", b"\x0d\x01"]
)
def test_what_is_no_message_is_refused(raw):
    with pytest.raises(ValueError, match=r"protobuf|belong"):
        wire.read(raw)


PODMAN = (
    "STEP 1/3: FROM debian:12\n",
    "STEP 2/3: RUN echo a; printf b\n",
    "--> Using cache 0123\n",
    "STEP 3/3: RUN echo hi\n",
    "hi\nto",
    "rn\n",
    "COMMIT\n",
    "--> 4567\n",
)


def test_podmans_text_becomes_the_same_progress():
    said = told(PlainTranscript(), [{"stream": text} for text in PODMAN])
    third = [each for each in said if each.step.startswith("STEP 3/3")]
    assert [(each.line, each.done) for each in third] == [
        (None, False),
        ("hi", False),
        ("torn", False),
        (None, True),
    ]
    assert [each.cached for each in said if each.step.startswith("STEP 2/3") and each.done] == [True]
    assert said[-1] == Progress(step="COMMIT", done=True)


def test_podmans_failed_step_is_the_one_under_way():
    transcript = PlainTranscript()
    told(transcript, [{"stream": text} for text in (*PODMAN[:2], "last words")])
    assert transcript.failure() == ("STEP 2/3: RUN echo a; printf b", None, ("last words",))


def test_lines_are_put_together_and_the_last_are_kept():
    lines = Lines(keep=2)
    assert lines.feed(b"on") == ()
    assert lines.feed(b"e\ntwo\nthr\xc3") == ("one", "two")
    assert lines.feed(b"\xa9\n") == ("thré",)
    assert lines.feed(b"end") == ()
    assert lines.rest() == ("end",)
    assert lines.rest() == ()
    assert tuple(lines.tail) == ("thré", "end")


def test_a_line_without_end_is_given_out_in_pieces():
    lines = Lines()
    assert len(lines.feed(b"x" * 20_000)) == 1


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"10%\r50%\r100%", "100%"),
        (b"dos\r", "dos"),
        (b"a\x1b]0;title\x07b\x1b[2Kc\x08\x07", "abc"),
        (b"tab\tstays \xff", "tab\tstays \ufffd"),
        ("c1 \x9b31m".encode(), "c1 31m"),
    ],
)
def test_what_would_move_a_terminals_cursor_is_left_out(raw, shown):
    assert clean(raw) == shown


CLASSIC = (
    "Step 1/3 : FROM debian:12\n",
    " ---> 1234\n",
    "Step 2/3 : RUN a\n",
    " ---> Using cache\n",
    "Step 3/3 : RUN b; printf torn\n",
    "out",
    "put\ntorn",
    "Removing intermediate container 1\n",
)


def test_the_classic_builders_steps():
    transcript = PlainTranscript()
    said = told(transcript, [{"stream": text} for text in CLASSIC])
    assert [each.step for each in said if each.done and each.cached] == ["Step 2/3 : RUN a"]
    last = [each.line for each in said if each.step == "Step 3/3 : RUN b; printf torn" and each.line]
    assert last == ["output", "torn"]
    assert transcript.failure() == ("Step 3/3 : RUN b; printf torn", None, ("output", "torn"))
