"""argv -> records and an exit code; also the way in for child processes."""

import json
import os
import sys
import time

from inside import child
from inside.bench import Bench
from inside.catalogue import catalogue, chosen
from inside.check import LEVELS
from inside.environment import environment
from inside.fingerprint import fingerprint
from inside.perform import perform, serve
from inside.record import Writer

SCHEMA = "envbuild.verify/1"
USAGE = "usage: python verify.pyz CONFIG.json | --list LEVEL"


class UsageError(Exception):
    """The command line or the configuration is wrong."""


def main(arguments):
    """Run the checks; 0: no required one failed, 1: one did, 2: wrong usage, 3: errors alone."""
    task = child.task()
    if task is not None:
        return serve(task)
    try:
        if len(arguments) == 2 and arguments[0] == "--list":
            return listing(arguments[1])
        if len(arguments) != 1:
            raise UsageError(USAGE)
        config = configuration(arguments[0])
    except UsageError as error:
        sys.stderr.write("%s\n" % error)
        return 2
    return verify(config)


def listing(level):
    """Print the checks of a level as JSON."""
    if level not in LEVELS:
        raise UsageError("no level %r; levels are %s" % (level, ", ".join(LEVELS)))
    rows = [
        {"id": c.id, "title": c.title, "required": c.required, "level": c.level} for c in catalogue(level)
    ]
    sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    return 0


def configuration(path):
    """The configuration, looked through for what could only come from a mistake."""
    try:
        with open(path, "rb") as stream:
            config = json.loads(stream.read().decode("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("cannot read %s: %s" % (path, error))
    if not isinstance(config, dict) or not str(config.get("nonce") or "").isalnum():
        raise UsageError("%s must be an object with a nonce of letters and digits" % path)
    if config.get("level") not in LEVELS:
        raise UsageError("level must be one of %s, not %r" % (", ".join(LEVELS), config.get("level")))
    epochs = config.get("epochs", 10)
    if not isinstance(epochs, int) or isinstance(epochs, bool) or not 1 <= epochs <= 1000:
        raise UsageError("epochs must be a whole number from 1 to 1000, not %r" % (epochs,))
    known = {check.id for check in catalogue("deep")}
    unknown = sorted(set(config.get("only") or ()) - known)
    if unknown:
        raise UsageError("no check is called %s" % ", ".join(unknown))
    return config


def verify(config):
    """Run every chosen check and write its record as it is done."""
    writer, bench, started = Writer(config["nonce"]), Bench(config), time.monotonic()
    checks = chosen(config["level"], config.get("only"))
    writer.write(
        "begin", schema=SCHEMA, pid=os.getpid(), python=sys.version.split()[0], executable=sys.executable,
        level=config["level"], epochs=bench.epochs, checks=[check.id for check in checks],
    )  # fmt: skip
    records = []
    for check in checks:
        writer.write("start", id=check.id)
        records.append(perform(check, bench))
        writer.write("check", **records[-1])
    writer.write("environment", **environment(bench))
    if bench.made("trained"):
        writer.write("fingerprint", **fingerprint(bench))
    counts = dict.fromkeys(("pass", "warn", "fail", "error", "skip"), 0)
    for record in records:
        counts[record["status"]] += 1
    code = exit_code(records)
    seconds = round(time.monotonic() - started, 3)
    writer.write(
        "summary", complete=True, counts=counts, checks=len(records), seconds=seconds, exit_code=code
    )
    bench.clear()
    return code


def exit_code(records):
    """What the required checks come to; no check at all is not a success."""
    required = [record["status"] for record in records if record["required"]]
    if "fail" in required:
        return 1
    return 3 if "error" in required or not records else 0
