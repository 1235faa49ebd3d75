"""Types a case's command line into envbuild, in a folder of its own, and returns the whole screen as text."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import __version__, facts, pipeline, reproduction, verification
from builder.cli import main, reproduce, running, tables
from builder.layer.cache import Layers
from builder.lock import making, mirroring
from tests.rooms.layer_trees import file
from tests.screens.case import Case, Outside
from tests.screens.stand_ins import Prompt, checks

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
        os.environ.update(case.env)
        code, out, err = typed_in(case.typed, folder, case.outside, case.columns)
    set_before = "".join(f"{name}={value} " for name, value in case.env)
    text = f"$ {set_before}envbuild {case.typed}\nexit code {code}\n-- stdout\n{out}-- stderr\n{err}"
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
    without_locks = shutil.ignore_patterns("*.lock.json")  # quickstart leaves one
    shutil.copytree(ROOT / "matrices", folder / "matrices", ignore=without_locks)
    before, environment, scratch = Path.cwd(), dict(os.environ), tempfile.tempdir
    try:
        os.chdir(folder)
        for name in [name for name in os.environ if name.startswith("ENVBUILD_")]:
            del os.environ[name]
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "NO_COLOR", "COLUMNS"):
            os.environ.pop(name, None)
        os.environ["ENVBUILD_STORE"] = str(folder / "store")
        os.environ["XDG_DATA_HOME"] = str(folder / "data")
        tempfile.tempdir = str(folder)
        yield folder
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = scratch


def _before(typed: str, folder: Path, outside: Outside | None) -> None:
    """A command, or one of the changes that a case tells by a word."""
    if typed in CHANGES:
        CHANGES[typed](folder)
    else:
        before = dict(os.environ)  # options like --offline are told by it
        typed_in(typed, folder, outside)
        os.environ.clear()
        os.environ.update(before)


def _drift(folder: Path) -> None:
    rendered = folder / "rendered/debian13-py3.12-cpu-torch2.8.0"
    (rendered / "Dockerfile").write_text("FROM scratch\n")
    (rendered / "notes.txt").write_text("mine\n")


def _edited(folder: Path) -> None:
    path = folder / "one.yaml"
    path.write_text(path.read_text().replace("[numpy]", "[numpy, pillow]"))


def _broken(folder: Path) -> None:
    (folder / "one.lock.json").write_text('{"schema": ')


def _unpinned(folder: Path) -> None:
    path = folder / "one.lock.json"
    found = json.loads(path.read_text())
    for row in found["environments"].values():
        row["wheels"] = []
    path.write_text(json.dumps(found))


def _cached(folder: Path) -> None:
    """Two layers and a file, last used on three days."""
    layers = Layers(root=folder / "store")
    for number, label in enumerate(("torch 2.8.0+cpu", "byte code of torch 2.8.0+cpu"), 1):
        layers.make(str(number) * 64, label, lambda size=number: [file("x", b"x" * size * 10**6)])
        record = layers.folder / "keys" / f"{str(number) * 64}.json"
        os.utime(record, (number * 86_400,) * 2)
    content = b"wheel" * 10**5
    sha256 = hashlib.sha256(content).hexdigest()
    fetched = folder / "store/sha256" / sha256[:2] / sha256
    fetched.mkdir(parents=True)
    (fetched / "torch-2.8.0+cpu-py3-none-any.whl").write_bytes(content)
    os.utime(fetched, (0, 0))


def _tuesday(folder: Path) -> None:
    """Another report, as if numpy had moved on and a check failed since."""
    told = json.loads((folder / "monday.json").read_text())
    cell = told["cells"][0]
    cell["verdict"] = cell["verification"]["status"] = "failed"
    cell["image"].update(size=1_100_000_000, packages=[["numpy", "9.9.9"]])
    cell["verification"]["checks"][0].update(status="fail", reason="it is not so")
    (folder / "tuesday.json").write_text(json.dumps(told))


CHANGES = {
    "tuesday": _tuesday,
    "drift": _drift,
    "edited": _edited,
    "broken": _broken,
    "unpinned": _unpinned,
    "cached": _cached,
}


def typed_in(
    typed: str, folder: Path, outside: Outside | None, columns: int | None = None
) -> tuple[object, str, str]:
    """Exit code, standard output, standard error."""
    kind = Terminal if columns else io.TextIOWrapper
    out, err = (kind(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    if columns:
        os.environ.update(COLUMNS=str(columns), TERM="xterm")
    handler = signal.getsignal(signal.SIGTERM)
    code: object = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["envbuild", *shlex.split(typed)])
        patch.setattr(verification, "listed", checks)  # the verifier's own list, asked for once
        for module, name in (
            (pipeline, "AHEAD"),
            (making, "JOBS"),
            (mirroring, "JOBS"),
            (reproduction, "AT_ONCE"),
        ):
            patch.setattr(module, name, 0 if name == "AHEAD" else 1)  # one after the other, in the same order
        patch.setattr(reproduce, "Shared", Prompt)
        patch.setattr(tables, "today", lambda: os.environ.get("TODAY", facts.load().date))
        if outside is not None:
            patch.setattr(running, "ports", _without_engine(outside, folder))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as end:
            code = end.code
        finally:
            signal.signal(signal.SIGTERM, handler)
    return code, *(stream.buffer.getvalue().decode() for stream in (out, err))


def _without_engine(outside: Outside, folder: Path):
    @contextlib.contextmanager
    def opened(engine: str | None, jobs: int = 1) -> Iterator[object]:
        store = folder / "store"
        store.mkdir(exist_ok=True)
        yield dataclasses.replace(outside(store), shared=Prompt(1), cancel=threading.Event())

    return opened
