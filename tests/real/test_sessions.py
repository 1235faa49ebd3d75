"""Real runs on a real terminal (tmux): what is seen at 80 and 200 columns, resized in flight, interrupted.

Whole screens are in `sessions/`. After a change that is meant, ENVBUILD_TEST_SESSIONS=write writes what is
seen into them: look at each.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from interpreter import mirror, with_its_own_prefix
from main_job import COMMAND, ROOT, Job
from tmux import Tmux, terminal

pytest_plugins = ("main_job_fixtures",)
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

SESSIONS = Path(__file__).parent / "sessions"
WRITE = os.environ.get("ENVBUILD_TEST_SESSIONS") == "write"
ASLEEP = "sleep 86399"  # what the `os` stage does before it installs
INSTALLS = "set -eu; umask 022; export DEBIAN_FRONTEND"
HEAD = re.compile(r"^cell +stage +time  step$", re.MULTILINE)
ROW = re.compile(r"^debian1[23]-py3\.11-cpu-torch2\.13\.0  \w+ +\d+:\d\d(  |$)")
BUILDING = r"(^debian.*  build +\d+:\d\d  \S.*\n){2}"
LINE = re.compile(r"\[ *(\d+\.\d) s\] (debian1[23]-py3\.11-cpu-torch2\.13\.0: .+|note: .+)")
COLOUR = re.compile(r"\x1b\[[\d;]*\b[349]\d\b")
# What differs from run to run, and what stands in for it.
VARYING = (
    (re.compile(r"\d+:\d\d(?=  |, |$)", re.MULTILINE), "N:NN"),
    (re.compile(r"about .* left"), "about N left"),
    (re.compile(r"(?<=\[os )\d/\d(?=\])"), "N/N"),
    (re.compile(r"\d{4} MB"), "NNNN MB"),
    (re.compile(r"test/main-\d+"), "test/main-PID"),
    # Which of two cells is told of first.
    (re.compile(r"^(debian13.*\n)(debian12.*\n)", re.MULTILINE), r"\2\1"),
)
STEP = re.compile(r"(?<=N:NN  ).+$", re.MULTILINE)  # what a cell does at this very moment


def steady(screen: str) -> str:
    """A screen without what differs from run to run."""
    for pattern, instead in VARYING:
        screen = pattern.sub(instead, screen)
    return screen


def moving(screen: str) -> str:
    """The same of a view whose steps come and go."""
    return STEP.sub(lambda found: found[0] if found[0] == "step" else "STEP", steady(screen))


def comes(shell: Tmux, name: str, form: Callable[[str], str] = steady, ready: str = "") -> None:
    """Wait until the screen is the one kept by that name. Written anew when it is `ready` and stays so."""
    path = SESSIONS / f"{name}.txt"
    if WRITE:
        shell.until_seen(ready)
        path.write_text(shell.settled(form))
    wanted = path.read_text()
    shell.until(lambda screen: form(screen) == wanted, 60)


def broken(screen: str) -> str:
    """What is wrong with a live view: a line that is there twice, or that is no line of it."""
    heads = list(HEAD.finditer(screen))
    if len(heads) > 1:
        return "the view is there twice"
    rows = screen[heads[0].end() + 1 :].splitlines()[:2] if heads else []
    cells = [row.split()[0] for row in rows if row.startswith("debian")]
    if len(cells) != len(set(cells)):
        return "a cell is there twice"
    return next(
        (f"a row is broken: {row!r}" for row in rows if row.startswith("debian") and not ROW.match(row)), ""
    )


@pytest.fixture(scope="module")
def place(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """debian.yaml, locked, with everything fetched and nothing made; and asleep.yaml, the same with an `os`
    stage that does not end.

    Debian 11 is left out: the stand-in for a standalone Python needs a newer C library.
    """
    folder = tmp_path_factory.mktemp("terminal")
    listing = mirror(folder, with_its_own_prefix("3.11"))
    text = (ROOT / "matrices" / "debian.yaml").read_text().replace("debian11, ", "")
    (folder / "debian.yaml").write_text(text.replace("envbuild/debian", f"{job.name}/terminal"))
    (folder / "asleep.yaml").write_text(text.replace("envbuild/debian", f"{job.name}/asleep"))
    page = folder / "templates" / "os" / "debian.j2"
    page.parent.mkdir(parents=True)
    original = (ROOT / "templates" / "os" / "debian.j2").read_text()
    assert original.count(INSTALLS) == 1
    page.write_text(original.replace(INSTALLS, f"{ASLEEP}; {INSTALLS}"))
    env = {
        **job.env,
        "UV_PYTHON_DOWNLOADS_JSON_URL": str(listing),
        "PATH": f"{COMMAND.parent}:{job.env['PATH']}",
    }
    first = dataclasses.replace(job, folder=folder, env=env)
    for words in (("debian.yaml",), ("asleep.yaml", "--templates", "templates")):
        ended = first.run("lock", *words)
        assert ended.code == 0, ended.err
    store = Path(env["ENVBUILD_STORE"])
    own = folder / "store"
    shutil.copytree(store, own, ignore=shutil.ignore_patterns("layers"), copy_function=os.link)
    return dataclasses.replace(first, env={**env, "ENVBUILD_STORE": str(own)})


@pytest.fixture(scope="module")
def built(place: Job) -> Job:
    """After `envbuild up`, watched at 80, 200 and 60 columns while it went on."""
    with terminal(place.folder, place.env) as shell:
        shell.type("envbuild up debian.yaml -j 2")
        with shell.watched(broken):
            comes(shell, "up-80", moving, BUILDING)
        for columns in (200, 60, 80):
            shell.resize(columns)
            comes(shell, f"up-to-{columns}", moving, BUILDING)
        with shell.watched(broken):
            shell.until_seen(r"^debian.*  verify +\d+:\d\d  (os|python|torch|train|libs)\.\w+")
            shell.until_seen("^2 cells: ")
        screen = shell.screen()
        assert "2 cells: 2 passed" in screen
        assert re.search(r"^CELL  .*VERDICT  SIZE ", screen, re.MULTILINE)
        assert HEAD.search(screen) is None
        assert shell.ended() == 0
    return place


def test_a_run_is_seen_whole_while_it_goes_on(built: Job) -> None:
    """The screens are compared where the build is made, once for all tests."""
    assert (built.folder / ".envbuild" / "debian").is_dir()


def test_what_is_kept_is_told_in_colour(built: Job) -> None:
    with terminal(built.folder, built.env) as shell:
        shell.type("envbuild up debian.yaml")
        comes(shell, "kept-80", ready="^records")
        assert "\x1b[32mpassed" in shell.screen("-e")
        assert shell.ended() == 0


def test_a_second_verification_is_estimated_by_the_first(built: Job) -> None:
    with terminal(built.folder, built.env, 200, 50) as shell:
        shell.type("envbuild verify debian.yaml -j 2 --reverify")
        comes(shell, "verify-200", moving, r"(^debian.*  verify .*\n){2}.*about .* left")
        with shell.watched(broken):
            shell.until_seen("^2 cells: ")
        assert shell.ended() == 0


def test_no_color_is_heard(built: Job) -> None:
    with terminal(built.folder, built.env) as shell:
        shell.type("export NO_COLOR=1; clear; envbuild up debian.yaml --reverify --level static")
        with shell.watched(lambda screen: "a colour" if COLOUR.search(shell.screen("-e")) else ""):
            shell.until_seen("^2 cells: ")
        assert COLOUR.search(shell.screen("-e")) is None
        assert shell.ended() == 0


def test_a_build_is_resized_and_interrupted(built: Job) -> None:
    """With a screen that is full: whatever a resize leaves would be seen."""
    asleep = rf"(^debian.*{ASLEEP}.*\n){{2}}"
    with terminal(built.folder, built.env) as shell:
        shell.type("seq 30")
        shell.type("envbuild build asleep.yaml --templates templates -j 2")
        comes(shell, "asleep-80", ready=asleep)
        for columns in (200, 60, 80):
            shell.resize(columns)
            comes(shell, f"asleep-to-{columns}", ready=BUILDING)
        for columns in (60, 200, 40, 200, 40, 80):  # as when an edge is dragged
            shell.resize(columns)
        comes(shell, "asleep-to-80", ready=BUILDING)
        shell.press("C-c")
        comes(shell, "interrupted-80", ready="^interrupted")
        assert shell.cursor
        assert shell.ended() == 130
    assert built.tags("asleep") == []


def test_without_a_terminal_there_are_lines_with_times(built: Job) -> None:
    """Built again from layers that are there, for a log: no view, no colour, a line for each step."""
    ended = built.run("up", "debian.yaml", "--force", "--level", "static")
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.err + ended.out
    lines = [LINE.fullmatch(line) for line in ended.err.splitlines()]
    assert all(lines), ended.err
    times = [float(line[1]) for line in lines if line]
    assert times == sorted(times)
    told = [line[2].split(": ", 1)[1] for line in lines if line]
    for words in (
        "fetch done in ",
        "build done in ",
        "verify: in a container of its own",
        "verify passed in ",
    ):
        assert sum(one.startswith(words) for one in told) == 2, (words, ended.err)
    assert ended.out.splitlines()[-1] == "records and logs: .envbuild/debian"
