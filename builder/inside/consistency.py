"""The installed distributions: against the recipe, one another, and their own lists of files."""

import base64
import csv
import hashlib
import os

from inside import installed, requirement, versions
from inside.check import Check, failed, inapplicable, judged, passed, warned

BUDGET = (
    700 * 1024**2
)  # bytes of libraries to hash below the deep level, smallest first; the CPU's always fit


def check_versions(bench):
    """Every version that the recipe pins is the one installed."""
    claimed = dict(bench.claim.get("packages") or ())
    if not claimed:
        return inapplicable("no package versions are claimed")
    found, _ = installed.everything()
    wrong = []
    for name in sorted(claimed):
        one = found.get(installed.normalized(name))
        if one is None:
            wrong.append("%s %s is not installed" % (name, claimed[name]))
        elif not versions.same(one.version, claimed[name]):
            wrong.append("%s is %s, not %s" % (name, one.version, claimed[name]))
    return judged(wrong, {"claimed": len(claimed), "installed": len(found)})


def unmet(found):
    """What installed distributions ask for and do not get: (sentences, number of requirements looked at)."""
    problems, looked, queue = [], 0, [(name, "") for name in sorted(found)]
    seen = set(queue)
    for (
        name,
        extra,
    ) in queue:  # grows while it is walked: an extra that is asked for brings its own requirements
        for text in found[name].requires:
            wish = requirement.parsed(text)
            if not requirement.applies(wish, extra) or (extra and requirement.applies(wish)):
                continue
            looked += 1
            asker = "%s %s%s" % (name, found[name].version, " [%s]" % extra if extra else "")
            one = found.get(wish.name)
            if one is None:
                problems.append(
                    "%s needs %s, which is not installed" % (asker, (wish.name + " " + wish.ranges).strip())
                )
                continue
            if not versions.matches(one.version, wish.ranges):
                problems.append(
                    "%s needs %s %s, but %s is installed" % (asker, wish.name, wish.ranges, one.version)
                )
            wanted = [(wish.name, more) for more in sorted(wish.extras) if (wish.name, more) not in seen]
            queue.extend(wanted)
            seen.update(wanted)
    return problems, looked


def check_consistency(_bench):
    """What `pip check` asks, extras included, without pip."""
    found, complaints = installed.everything()
    problems, looked = unmet(found)
    here = requirement.surroundings()["python_full_version"]
    for one in found.values():
        if one.python and not versions.matches(here, one.python):
            problems.append("%s %s wants Python %s" % (one.name, one.version, one.python))
    values = {"distributions": len(found), "requirements": looked}
    if problems:
        return failed("; ".join(sorted(problems)[:12]), dict(values, problems=len(problems)))
    return warned("; ".join(complaints[:5]), values) if complaints else passed(values)


def recorded(path):
    """(path, size, sha256) of each file that a distribution's RECORD lists with a hash."""
    root = os.path.dirname(path)
    with open(os.path.join(path, "RECORD"), newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if len(row) == 3]
    for name, hashed, size in rows:
        if (
            hashed.startswith("sha256=")
            and size
            and not name.endswith(".pyc")
            and not name.startswith("..")  # scripts in bin, which installers rewrite
            and ".dist-info/" not in name
        ):
            yield os.path.join(root, name), int(size), hashed[len("sha256=") :]


def file_sha256(path):
    """The file's sha256 as RECORD spells it."""
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            total.update(block)
    return base64.urlsafe_b64encode(total.digest()).decode("ascii").rstrip("=")


def check_files(bench):
    """torch's files have their wheel's sizes; its libraries (at the deep level: all) the content too."""
    one = installed.everything()[0].get("torch")
    if one is None or not os.path.isfile(os.path.join(one.path, "RECORD")):
        return inapplicable("torch was not installed from a wheel: there is no list of its files")
    deep, hashed, wrong = bench.config["level"] == "deep", 0, []
    budget = 1 << 62 if deep else BUDGET
    rows = sorted(recorded(one.path), key=lambda row: row[1])
    for path, size, digest in rows:
        if not os.path.isfile(path):
            wrong.append("%s is missing" % path)
        elif os.path.getsize(path) != size:
            wrong.append("%s has %d bytes, its wheel said %d" % (path, os.path.getsize(path), size))
        elif size <= budget and (deep or ".so" in os.path.basename(path)):
            budget, hashed = budget - size, hashed + 1
            if file_sha256(path) != digest:
                wrong.append("%s was changed: its sha256 is not the wheel's" % path)
    return judged(wrong, {"files": len(rows), "hashed": hashed, "wrong": len(wrong)})


CHECKS = (
    Check(
        "packages.versions",
        "installed versions are those that the recipe pins",
        "static",
        True,
        check_versions,
    ),
    Check("pip.check", "installed distributions agree with one another", "static", True, check_consistency),
    Check(
        "torch.files",
        "torch's files have their wheel's sizes, libraries the hashes",
        "static",
        True,
        check_files,
    ),
)
