"""Byte code is compiled in a confined container by a standalone Python that the image has not."""

import threading

import engine_members
import interpreter as stand_in
import pytest

from builder.content import bytecode, interpreter
from builder.content.site import Site
from builder.engine.api import RunRequest
from builder.source.api import Pin

pytestmark = pytest.mark.real
TAG = engine_members.TINY.replace("tiny", "bare")
NEEDED = ("mkdir", "chmod", "env", "awk")  # awk brings libm along, which Python wants


@pytest.fixture
def bare(engine, tmp_path, monkeypatch):
    """An image that has a shell and a few programs, neither Python nor tar."""
    monkeypatch.setattr(engine_members, "PROGRAMS", (*engine_members.PROGRAMS, *NEEDED))
    engine_members.brought(engine, engine_members.tiny_rootfs(tmp_path), TAG)
    yield TAG
    engine.untag(TAG)


@pytest.fixture(scope="module")
def standalone(tmp_path_factory):
    """Where a stand-in for a standalone Python goes, and its entries."""
    folder = tmp_path_factory.mktemp("standalone")
    command = stand_in.with_its_own_prefix("3.11")
    stand_in.mirror(folder, command)
    archive = next(folder.glob("*.tar.gz"))
    version = stand_in.version_of(command)
    pin = Pin(name="cpython", version=version, filename=archive.name, url=archive.as_uri(), sha256="")
    return interpreter.installed(pin), interpreter.entries(archive, pin)


def test_its_own_library_is_compiled_where_there_is_no_python(engine, bare, standalone, tmp_path):
    place, entries = standalone
    site = Site(python=place.python, interpreter=place.program)
    found = bytecode.sources(entries, place.library)
    asked = bytecode.request(found, site, tmp_path / "stdin", entries)
    output = tmp_path / "stdout"
    with output.open("wb") as sink:
        request = RunRequest(
            image=bare,
            command=asked.command,
            stdin=asked.stdin,
            tmpfs=asked.tmpfs,
            stdout_limit=1 << 30,
            keep_stdout=False,
        )
        end = engine.run(request, sink.write, threading.Event())
    assert (end.exit_code, end.stderr) == (0, b"")
    compiled = bytecode.compiled(output, asked)
    assert compiled.skipped == ()
    assert sum(entry.kind == "file" for entry in compiled.entries) == len(found) > 300
    path = f"{place.library}/__pycache__/os.cpython-{place.python.replace('.', '')}.pyc"
    assert path in {entry.path for entry in compiled.entries}
