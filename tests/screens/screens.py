"""Types a case's command line into envbuild, in a folder of its own, and returns the whole screen as text."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from builder import __version__, facts, verification
from builder.cli import main, running
from tests.screens.cases import Case, Outside
from tests.screens.stand_ins import checks

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
ROOT = HERE.parents[1]
# What differs from run to run, machine to machine and release to release, and what stands in for it.
VARYING = (
    (re.compile(r"sha256:[0-9a-f]{12,64}"), "sha256:DIGEST"),
    (re.compile(r'"[0-9a-f]{64}"'), '"DIGEST"'),
    (re.compile(r'("seconds"): [\d.]+'), r"\1: 0.0"),
    (re.compile(r"\d+\.\d s\b"), "N.N s"),
    (re.compile(r"envbuild/os:[0-9a-f]+"), "envbuild/os:KEY"),
    (re.compile(r"envbuild-bug-\w+"), "envbuild-bug-NAME"),
    (re.compile(re.escape(f"version {__version__}")), "version N.N.N"),
)


class Terminal(io.TextIOWrapper):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def screen(case: Case) -> str:
    """What is typed, the exit code, and both streams, apart."""
    with tempfile.TemporaryDirectory() as name, prepared(Path(name)) as folder:
        for typed in case.before:
            _before(typed, folder, case.outside)
        code, out, err = typed_in(case.typed, folder, case.outside, case.columns)
    text = f"$ envbuild {case.typed}\nexit code {code}\n-- stdout\n{out}-- stderr\n{err}"
    return _settled(text, str(folder))


def _settled(text: str, folder: str) -> str:
    text = text.replace(folder, "FOLDER").replace(facts.load().date, "TABLES-DATE")
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


@contextlib.contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """A folder with the matrices, as the current one; nothing of this machine's settings."""
    shutil.copytree(HERE / "matrices", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "matrices", folder / "matrices")
    before, environment, scratch = Path.cwd(), dict(os.environ), tempfile.tempdir
    try:
        os.chdir(folder)
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "NO_COLOR", "COLUMNS"):
            os.environ.pop(name, None)
        tempfile.tempdir = str(folder)
        yield folder
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = scratch


def _before(typed: str, folder: Path, outside: Outside | None) -> None:
    if typed == "drift":
        rendered = folder / "rendered/debian13-py3.12-cpu-torch2.8.0"
        (rendered / "Dockerfile").write_text("FROM scratch\n")
        (rendered / "notes.txt").write_text("mine\n")
    else:
        typed_in(typed, folder, outside)


def typed_in(
    typed: str, folder: Path, outside: Outside | None, columns: int | None = None
) -> tuple[object, str, str]:
    """Exit code, standard output, standard error."""
    kind = Terminal if columns else io.TextIOWrapper
    out, err = (kind(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    if columns:
        os.environ.update(COLUMNS=str(columns), TERM="xterm")
    old = sys.argv, running.ports, verification.listed, signal.getsignal(signal.SIGTERM)
    sys.argv = ["envbuild", *shlex.split(typed)]
    verification.listed = checks  # the verifier's own list, asked for once
    if outside is not None:
        running.ports = _without_engine(outside, folder)
    code: object = None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv, running.ports, verification.listed, handler = old
        signal.signal(signal.SIGTERM, handler)
    return code, *(stream.buffer.getvalue().decode() for stream in (out, err))


def _without_engine(outside: Outside, folder: Path):
    @contextlib.contextmanager
    def opened(engine: str | None) -> Iterator[object]:
        store = folder / "store"
        store.mkdir(exist_ok=True)
        yield outside(store)

    return opened
