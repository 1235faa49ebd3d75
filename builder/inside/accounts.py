"""The user's account, and the settings and folders that it works with."""

import os
import pwd
import stat

from inside.check import Check, inapplicable, judged, passed

# Settings that name folders into which PyTorch and its neighbours write.
FOLDERS = (
    "TORCH_HOME", "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TRITON_HOME",
    "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR",
    "PYTORCH_KERNEL_CACHE_PATH", "CUDA_CACHE_PATH",
)  # fmt: skip


def may_write(path):
    """Whether this user may write into the folder, by owner and mode: here the root is mounted read-only."""
    facts = os.stat(path)
    if not stat.S_ISDIR(facts.st_mode):
        return False
    if os.geteuid() == 0:
        return True
    if facts.st_uid == os.geteuid():
        return bool(facts.st_mode & stat.S_IWUSR)
    if facts.st_gid in {os.getegid(), *os.getgroups()}:
        return bool(facts.st_mode & stat.S_IWGRP)
    return bool(facts.st_mode & stat.S_IWOTH)


def folder_problem(label, path):
    """What is wrong with a folder that ought to be writable, or None."""
    if not os.path.isabs(path):
        return "%s is not an absolute path: %s" % (label, path)
    if not os.path.isdir(path):
        return "%s: there is no folder %s" % (label, path)
    if not may_write(path):
        facts = os.stat(path)
        place = (path, facts.st_uid, facts.st_mode & 0o7777, os.geteuid())
        return label + ": %s belongs to uid %d with mode %o; uid %d may not write into it" % place
    return None


def check_account(bench):
    """The process runs as the claimed user, who has a name and a home that it can write to."""
    claim = bench.claim
    values = {"uid": os.getuid(), "gid": os.getgid(), "home": os.environ.get("HOME")}
    if claim.get("uid") is None:
        return inapplicable("nothing is claimed about the user", values)
    wrong = []
    if os.getuid() != claim["uid"]:
        wrong.append("the uid is %d, not %d" % (os.getuid(), claim["uid"]))
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        wrong.append("uid %d has no account" % os.getuid())
    else:
        values["name"] = entry.pw_name
        if claim.get("user") and entry.pw_name != claim["user"]:
            wrong.append("the user is called %s, not %s" % (entry.pw_name, claim["user"]))
        wrong += [problem for problem in [folder_problem("home", entry.pw_dir)] if problem]
        if values["home"] not in (None, entry.pw_dir):
            wrong.append("HOME is %s, the account's home is %s" % (values["home"], entry.pw_dir))
    return judged(wrong, values, {"uid": claim["uid"], "user": claim.get("user")})


def settings(bench):
    """The claimed settings, name to text."""
    return dict(bench.claim.get("settings") or ())


def check_settings(bench):
    """Every setting of the matrix is in the environment, with its value."""
    claimed = settings(bench)
    if not claimed:
        return inapplicable("no settings are claimed")
    found = {name: os.environ.get(name) for name in claimed}
    wrong = ["%s is not set" % name for name in sorted(claimed) if found[name] is None]
    wrong += [
        "%s is %r, not %r" % (name, found[name], claimed[name])
        for name in sorted(claimed)
        if found[name] not in (None, claimed[name])
    ]
    return judged(wrong, {"found": found}, {"settings": claimed})


def check_folders(bench):
    """The folders that settings name exist, and the user may write into them."""
    named = {name: path for name, path in settings(bench).items() if name in FOLDERS}
    if not named:
        return inapplicable("no setting names a folder")
    problems = [folder_problem(name, named[name]) for name in sorted(named)]
    wrong = [problem for problem in problems if problem]
    return judged(wrong, {"folders": named}) if wrong else passed({"folders": named})


CHECKS = (
    Check(
        "user.account",
        "the user has the claimed uid, name and a writable home",
        "static",
        True,
        check_account,
    ),
    Check("settings.env", "every setting is in the environment", "static", True, check_settings),
    Check("settings.folders", "folders that settings name can be written to", "static", True, check_folders),
)
