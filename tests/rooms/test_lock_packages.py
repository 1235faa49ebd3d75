"""The distribution's packages: how they are asked for, and what an answer is worth."""

import subprocess
from dataclasses import replace

import pytest
from lock_outside import MATRIX, Engine, Source, apt_line, asked, ports

from builder.engine.dry import NOTHING_RAN
from builder.errors import CellError, OutsideError
from builder.lock import packages
from builder.source.api import Surroundings

ANSWER = "updating\nenvbuild-packages\n{}\nenvbuild-packages-end\n"


@pytest.fixture
def recipe(tmp_path):
    return asked(tmp_path).recipes[0]


def pinned(tmp_path, recipe, engine):
    engine.pull("base:1", "linux/amd64", print)
    return packages.pinned("key", recipe, "base:1", ports(tmp_path, engine))


def test_a_package_is_pinned_by_address_and_sha256(tmp_path, recipe):
    found = pinned(tmp_path, recipe, Engine())
    git = found.packages[0]
    assert (git.name, git.version, git.size) == ("git", "1:2-3", 9)
    assert git.filename == "git_1%3a2-3_amd64.deb"
    assert git.url == "http://deb.example.com/git_1%3a2-3_amd64.deb"
    assert len(git.sha256) == 64
    assert found.date == 1_700_000_000
    assert found.why is None


def test_there_may_be_nothing_to_install(recipe):
    assert packages.parsed(ANSWER.format("date Tue, 14 Nov 2023 22:13:20 UTC"), recipe) == ((), 1_700_000_000)


@pytest.mark.parametrize(
    "line",
    [
        "'http://deb.example.com/x.deb' x_1_amd64.deb 9 MD5Sum:00",
        "package x 1 amd64 http://x 9 00",
        "E: broken",
        "package x 1 amd64 http://x nine " + "0" * 64,
    ],
)
def test_an_answer_without_sha256_is_no_answer(recipe, line):
    with pytest.raises(OutsideError, match="does not tell its packages with address and sha256"):
        packages.parsed(ANSWER.format(line), recipe)


def test_an_answer_that_breaks_off_is_no_answer(recipe):
    with pytest.raises(OutsideError):
        packages.parsed("envbuild-packages\n" + apt_line("git"), recipe)


def test_an_address_of_one_machine_is_not_kept(recipe):
    for url in ("file:/srv/x.deb", "http://me:secret@deb.example.com/x.deb"):
        line = apt_line("git").split()
        (found,), _ = packages.parsed(ANSWER.format(" ".join((*line[:4], url, *line[5:]))), recipe)
        assert found.url is None


def test_the_container_has_network_and_nothing_secret_in_its_settings(tmp_path, recipe):
    engine = Engine()
    pinned(tmp_path, recipe, engine)
    (request,) = engine.asked
    assert (request.network, request.writable, request.user) == ("host", True, "0")
    assert "pa'ss" not in repr(replace(request, stdin=b""))
    assert request.stdin == packages.script(recipe, Source(tmp_path).surroundings())


def test_the_script_gives_the_question_its_files(tmp_path, recipe):
    """Run for real, with a question of our own that shows what it was given."""
    question = "cat /inputs/os/packages.txt /inputs/os/apt.conf; echo ${http_proxy}"
    around = Surroundings(apt=b'Acquire::x "$HOME";\n', proxies=(("http_proxy", "http://me:pa'ss@p:1"),))
    text = packages.script(replace(recipe, os_question=question), around).decode()
    text = text.replace("/inputs", str(tmp_path / "inputs"))
    done = subprocess.run(["/bin/sh"], input=text, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0], lines[-1] == ("envbuild-packages", "envbuild-packages-end")
    assert "ca-certificates" in lines
    assert lines[-3:-1] == ['Acquire::x "$HOME";', "http://me:pa'ss@p:1"]


@pytest.mark.parametrize(
    ("stderr", "kind", "hint"),
    [
        (b"E: Unable to locate package gti", CellError, "check packages.system"),
        (b"Temporary failure resolving 'deb.debian.org'", OutsideError, "reaches the distribution's mirror"),
        (b"", OutsideError, "mirror"),
    ],
)
def test_a_failure_says_whose_it_is(tmp_path, recipe, stderr, kind, hint):
    engine = Engine()
    engine._on_run = lambda request: replace(NOTHING_RAN, exit_code=100, stderr=stderr)
    with pytest.raises(kind) as caught:
        pinned(tmp_path, recipe, engine)
    assert hint in caught.value.problems[0].hint
    assert caught.value.problems[0].cell == recipe.cell.id


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("debian12", "rocky9"), "package manager of rocky9"),
        (("registry", "registry\npython: {provider: conda}"), "conda"),
    ],
)
def test_what_nobody_can_tell_is_said_to_be_so(tmp_path, change, why):
    recipe = asked(tmp_path, MATRIX.replace(*change)).recipes[0]
    engine = Engine()
    found = pinned(tmp_path, recipe, engine)
    assert found.packages is None
    assert why in found.why
    assert engine.asked == []
