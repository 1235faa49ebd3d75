"""How often, how long, and in what words."""

import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from builder.errors import InterruptedByUserError, OutsideError
from builder.registry.retrying import PassingError, RefusedError, Retrying, retry_after


def failing(*errors):
    """Raises each of them once, then returns 7."""
    left = list(errors)

    def once():
        if left:
            raise left.pop(0)
        return 7

    return once


def retrying(pauses: list[float], random: float = 0.0) -> Retrying:
    return Retrying(cancel=threading.Event(), pause=pauses.append, random=lambda: random)


def test_what_passes_is_tried_again_after_pauses_that_grow():
    pauses = []
    assert retrying(pauses).until("work", failing(*[PassingError("503")] * 5)) == 7
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0]


def test_no_two_clients_come_back_at_once():
    pauses = []
    retrying(pauses, random=0.5).until("work", failing(PassingError("503"), PassingError("429", after=3.0)))
    assert pauses == [0.375, 3.5]


def test_the_sixth_failure_is_the_last_and_is_said():
    pauses = []
    with pytest.raises(OutsideError) as raised:
        retrying(pauses).until("sending it", failing(*[PassingError("busy")] * 5, PassingError("still busy")))
    assert str(raised.value) == "sending it failed: still busy (6 attempts)"
    assert len(pauses) == 5


def test_who_gets_on_may_fail_more_often():
    done = []

    def once():
        done.append(1)
        if len(done) < 20:
            raise PassingError("503")
        return len(done)

    assert retrying([]).until("work", once, lambda: len(done) // 3) == 20


def test_all_pauses_together_have_an_end():
    done, pauses = [], []

    def once():
        done.append(1)
        raise PassingError("429", after=100.0)

    with pytest.raises(OutsideError, match="asks for a pause of 100 seconds"):
        retrying(pauses).until("work", once, lambda: len(done))
    assert pauses == [100.0, 100.0, 100.0]


def test_a_pause_that_is_too_long_is_not_begun():
    pauses = []
    with pytest.raises(OutsideError, match=r"asks for a pause of 3600 seconds \(1 attempt\)") as raised:
        retrying(pauses).until("work", failing(PassingError("429", after=3600.0)))
    assert pauses == []
    assert "later" in raised.value.problems[0].hint


def test_a_refusal_is_final():
    pauses = []
    with pytest.raises(OutsideError, match=r"^work failed: no$") as raised:
        retrying(pauses).until("work", failing(RefusedError("no", "ask")))
    assert pauses == []
    assert raised.value.problems[0].hint == "ask"


def test_a_pause_ends_when_everything_is_to_stop():
    cancel = threading.Event()
    begun = threading.Event()

    def once():
        begun.set()
        raise PassingError("429", after=200.0)

    def stop():
        begun.wait()
        cancel.set()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(InterruptedByUserError):
        Retrying(cancel=cancel).until("work", once)
    thread.join()


def test_retry_after_is_a_number_or_a_date():
    assert retry_after({"Retry-After": "17"}) == 17.0
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after({"Retry-After": later}) <= 100
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0.0
    for none in (
        {},
        {"Retry-After": "soon"},
        {"Retry-After": "-1"},
        {"Retry-After": "²"},
        {"Retry-After": "1.5"},
    ):
        assert retry_after(none) is None
