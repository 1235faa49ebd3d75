"""Python: its version and where it lives, against the claim."""

import os
import shutil
import sys
import sysconfig

from inside.check import Check, inapplicable, judged


def version():
    """This interpreter's version, with a `t` if it runs without the global lock."""
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return ".".join(map(str, sys.version_info[:3])) + free


def agrees(found, claimed):
    """Whether version `found` is the claimed one; a shorter claim leaves the rest open."""
    if found.endswith("t") != claimed.endswith("t"):
        return False
    wanted = claimed.rstrip("t").split(".")
    return found.rstrip("t").split(".")[: len(wanted)] == wanted


def check_version(bench):
    """The Python that runs this is the claimed one."""
    values = {"found": version(), "implementation": sys.implementation.name}
    claimed = bench.claim.get("python")
    if not claimed:
        return inapplicable("nothing is claimed about Python", values)
    wrong = [] if agrees(values["found"], claimed) else ["Python is %s, not %s" % (values["found"], claimed)]
    return judged(wrong, values, {"python": claimed})


def below(path, prefix):
    """Whether the path, as spelled or with its links followed, lies in the folder."""
    return any(
        (form(path) + "/").startswith(form(prefix).rstrip("/") + "/")
        for form in (os.path.abspath, os.path.realpath)
    )


def check_prefix(bench):
    """The environment is where it is said to be, and it is the first Python on PATH."""
    names = ("python", "python3")
    values = {"prefix": sys.prefix, "executable": sys.executable}
    values.update({name: shutil.which(name) for name in names})
    claimed = bench.claim.get("prefix")
    if not claimed:
        return inapplicable("nothing is claimed about the environment's place", values)
    wrong = (
        []
        if below(sys.prefix, claimed)
        else ["this Python's environment is %s, not %s" % (sys.prefix, claimed)]
    )
    for name in names:
        if not values[name]:
            wrong.append("there is no %s on PATH" % name)
        elif not below(os.path.dirname(values[name]), claimed):
            wrong.append("%s on PATH is %s, outside %s" % (name, values[name], claimed))
    return judged(wrong, values, {"prefix": claimed}, hint="%s/bin must come first on PATH" % claimed)


CHECKS = (
    Check("python.version", "Python is the claimed version", "static", True, check_version),
    Check("python.prefix", "the environment is in its place and first on PATH", "static", True, check_prefix),
)
