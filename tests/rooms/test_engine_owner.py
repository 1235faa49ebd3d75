"""Whose container it is: which labels speak of processes that are surely over."""

import subprocess
import sys

from builder.engine import owner


def changed(**parts: str) -> str:
    names = ("machine", "boot", "namespace", "pid", "start")
    given = dict(zip(names, owner.mine().split("/"), strict=True))
    return "/".join({**given, **parts}.values())


def test_this_process_lives():
    assert not owner.is_gone(owner.mine(), running=True)
    assert not owner.is_gone(owner.mine(), running=False)


def test_a_process_that_ended_is_gone():
    code = "from builder.engine import owner; print(owner.mine())"
    theirs = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert owner.is_gone(theirs.strip(), running=True)


def test_an_id_that_another_process_has_now_does_not_deceive():
    assert owner.is_gone(changed(start="1"), running=True)


def test_after_a_reboot_only_what_no_longer_runs_is_gone():
    assert owner.is_gone(changed(boot="another"), running=False)
    assert not owner.is_gone(changed(boot="another"), running=True)


def test_what_cannot_be_known_is_not_gone():
    assert not owner.is_gone(changed(machine="another"), running=False)
    assert not owner.is_gone(changed(namespace="1", pid="999999999"), running=False)
    for label in ("", "x", "a/b/c/d/e", "///x/"):
        assert not owner.is_gone(label, running=False)
