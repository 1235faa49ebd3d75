"""Runs one check: in this process or apart, with its warnings caught and its exceptions told."""

import time
import traceback
import warnings

from inside import child
from inside.bench import Bench
from inside.catalogue import found
from inside.check import Outcome, UnreadyError, broken
from inside.record import plain

MOST_WARNINGS = 8


def perform(check, bench):
    """The record of one check, as a dict."""
    started = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome, elsewhere = apart(check, bench) if check.apart else (attempt(check.run, bench), [])
    record = {"id": check.id, "title": check.title, "seconds": round(time.monotonic() - started, 3)}
    record.update(outcome._asdict())
    record["required"] = check.required if outcome.required is None else outcome.required
    record["warnings"] = (elsewhere + texts(caught))[:MOST_WARNINGS]
    return record


def attempt(run, bench):
    """The outcome of a check in this process, whatever it raises."""
    try:
        return run(bench)
    except UnreadyError as error:
        return broken(str(error))
    except Exception as error:
        lines = traceback.format_exc().strip().splitlines()[-7:-1]
        return broken("%s: %s" % (type(error).__name__, error), {"traceback": lines})


def apart(check, bench):
    """The outcome and warnings of a check in a child: a crash or a hang is an error of this check alone."""
    if check.unless is not None:
        spared = attempt(check.unless, bench)
        if spared is not None:
            return spared, []
    limit = bench.time_left(check.apart)
    config = dict(bench.config, nonce="", time_limit=limit)
    try:
        ended = child.Child(bench, check.id, {"kind": "check", "id": check.id, "config": config}).wait(limit)
    except UnreadyError as error:
        return broken(str(error)), []
    if ended.result is None:
        return broken(
            "the process of this check left no result; " + child.ending(ended), {"exit_code": ended.code}
        ), []
    return Outcome(**ended.result["outcome"]), ended.result["warnings"]


def serve(task):
    """A child's whole life: do the task, leave the result."""
    if task["kind"] == "rank":
        from inside.rank import rank

        child.answer(task["answer"], rank(task))
    bench = Bench(task["config"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = attempt(found(task["id"]).run, bench)
    bench.clear()
    child.answer(task["answer"], plain({"outcome": dict(outcome._asdict()), "warnings": texts(caught)}))


def texts(caught):
    """Warnings as text, each once, in order."""
    seen = []
    for warning in caught:
        text = "%s: %s" % (warning.category.__name__, " ".join(str(warning.message).split())[:300])
        if text not in seen:
            seen.append(text)
    return seen
