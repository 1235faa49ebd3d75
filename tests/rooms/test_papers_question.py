"""The question that a container is asked, asked here: of this machine's programs, and of stand-ins."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from test_papers_contents import RPM, of

from builder.engine.api import RunEnd, RunRequest
from builder.engine.dry import NOTHING_RAN
from builder.errors import CellError
from builder.papers import Contents


def here(request: RunRequest) -> RunEnd:
    """The container's command, on this machine."""
    done = subprocess.run(request.command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return replace(NOTHING_RAN, stdout=done.stdout, stderr=done.stderr, exit_code=done.returncode)


def in_this_environment(monkeypatch, tmp_path) -> Contents:
    monkeypatch.chdir(tmp_path)  # `python -m pip` also lists what lies in the folder that it is started in
    return of(here, sys.prefix)


def module():
    return sys.modules["builder.papers.contents"]


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="this machine has no dpkg")
def test_it_is_what_dpkg_and_pip_say_here(monkeypatch, tmp_path):
    found = in_this_environment(monkeypatch, tmp_path)
    words = ("dpkg-query", "-W", "-f", r"${db:Status-Abbrev}|${Package} ${Version} ${Architecture}\n")
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    there = sorted(line.partition("|")[2] for line in lines if line[1] not in "nc")
    assert [f"{one.name} {one.version} {one.architecture}" for one in found.system] == there
    pip = (sys.executable, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check")
    listed = json.loads(subprocess.run(pip, capture_output=True, text=True, check=True).stdout)
    told = {(one["name"], one["version"]) for one in listed}
    assert {(one.spelled, one.version) for one in found.python} == told
    assert found.interpreter.version == sys.version.split()[0]


def without_dpkg(monkeypatch, tmp_path, rpm: str) -> Contents:
    """With a program in the place of rpm, and a database that nobody may write to."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cat", "cp", "rm"):
        (programs / name).symlink_to(shutil.which(name))
    (programs / "rpm").write_text(rpm)
    (programs / "rpm").chmod(0o755)
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "rpmdb.sqlite").write_text(RPM)
    (tmp_path / "db" / "__db.001").write_text("of another machine")
    question = re.sub(r"PATH=.*", f"PATH={programs}", module().QUESTION)
    question = question.replace("/var/lib/dpkg", str(tmp_path)).replace("/tmp/rpm", str(tmp_path / "copy"))
    monkeypatch.setattr(module(), "QUESTION", question)
    return in_this_environment(monkeypatch, tmp_path)


def test_where_there_is_no_dpkg_rpm_is_asked_about_a_copy_of_its_database(monkeypatch, tmp_path):
    found = without_dpkg(
        monkeypatch,
        tmp_path,
        f"""#!/bin/sh
if [ "$1" = --eval ]; then echo {tmp_path}/db; exit; fi
printf "%s " "$@" > {tmp_path}/asked
cat {tmp_path}/copy/rpmdb.sqlite
""",
    )
    assert found.tool == "rpm"
    assert [one.name for one in found.system] == ["bash", "gpg-pubkey", "openssl-libs"]
    form = r"%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\n"
    assert (tmp_path / "asked").read_text() == f"--dbpath {tmp_path}/copy -qa --qf {form} "
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["rpmdb.sqlite"]


@pytest.mark.parametrize("rpm", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho /nowhere\n", "#!/no/such/program\n"])
def test_an_rpm_that_fails_says_nothing(monkeypatch, tmp_path, rpm):
    with pytest.raises(CellError, match=r"rpm ended with exit code [0-9]+: "):
        without_dpkg(monkeypatch, tmp_path, rpm)


def test_an_image_without_the_environment_says_so():
    with pytest.raises(CellError, match=r"python ended with exit code 127: .*/opt/env/bin/python: not found"):
        of(here)
