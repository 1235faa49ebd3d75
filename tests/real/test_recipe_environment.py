"""The image that the engine builds of a rendered folder has the environment of the one that envbuild makes.

In one uv installs the wheels, in a step of the page; in the other they are layers that were made here.
"""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from main_job import CELL, SITE, Job
from supplied import Supplied, bring, build, is_the_same

from builder import lock
from builder.base import own_name
from builder.cli import locking, selection
from builder.engine.api import BuildRequest, Entry, RunRequest
from builder.image import Locked
from builder.source import open_source, pins_txt
from builder.source.api import Supplies

pytest_plugins = ("supplied_fixtures",)
pytestmark = pytest.mark.real

LOOK = """
import importlib.metadata, hashlib, json, os, subprocess, sys

def told(path):
    if os.path.islink(path):
        return ["link", os.path.realpath(path)]
    found = os.stat(path)
    rights = [oct(found.st_mode), found.st_uid, found.st_gid]
    if os.path.isdir(path):
        return ["folder", *rights]
    with open(path, "rb") as file:
        return ["file", *rights, hashlib.sha256(file.read()).hexdigest()]

walked = os.walk("/opt/env")
names = [os.path.join(folder, name) for folder, *held in walked for some in held for name in some]
dists = importlib.metadata.distributions()
programs = ("rich", "old-style", "shell")
print(json.dumps({
    "paths": {name: told(name) for name in names},
    "dists": {one.name: [one.version, sorted(map(str, one.files))] for one in dists},
    "said": {name: subprocess.check_output([name], text=True) for name in programs},
    "path": sys.path,
    "env": dict(os.environ),
}))
"""
# What a virtual environment has to be entered with, of which uv's has more kinds, and what tells who made it.
OWN = re.compile(r"/opt/env/(bin/(activate|deactivate|pydoc)[^/]*|pyvenv.cfg|\.gitignore|CACHEDIR.TAG)")
# What an installer writes itself: the text of programs is its own, and so is their row in RECORD.
WRITTEN = re.compile(r"/opt/env/bin/(rich|old-style|small)|.*\.dist-info/RECORD")
BYTECODE = re.compile(r".*/__pycache__(/.*)?")


def look(job: Job, image: str) -> dict[str, Any]:
    """What is in the environment of an image, by its own Python."""
    request = RunRequest(image=image, command=("python", "-c", LOOK))
    end = job.engine.run(request, lambda _: None, threading.Event())
    assert end.exit_code == 0, end.stderr.decode()
    found: dict[str, Any] = json.loads(end.stdout)
    return found


def from_the_folder(supplied: Supplied, job: Job) -> str:
    """The image of the rendered folder's page, built without a network from what the lock names."""
    locked = lock.read(lock.path_for(supplied.matrix))
    assert locked
    (cell,), (base,) = locked.cells, locked.bases
    chosen = selection.select(supplied.matrix)
    (recipe,) = chosen.recipes()
    stage = Locked.of(recipe, locked, locking.wish(chosen, recipe)).ground.image
    folder = job.folder / "rendered"
    ended = job.run("render", job.folder / supplied.matrix.name, "--out", folder)
    assert ended.code == 0, ended.err
    rendered = [path for path in (folder / CELL).rglob("*") if path.is_file()]
    entries = [Entry(path=path.relative_to(folder / CELL).as_posix(), content=path) for path in rendered]
    for pin in cell.wheels:
        (path,) = supplied.mirror.glob(f"sha256/*/{pin.sha256}/*")
        entries.append(Entry(path=f"env/wheels/{pin.filename}", content=path))
    entries.append(Entry(path="env/pins.txt", content=pins_txt(Supplies(wheels=cell.wheels))))
    entries.append(Entry(path="tools/uv", content=open_source().installer(), mode=0o755))
    request = BuildRequest(
        context=tuple(entries),
        target="image",
        args={"BASE_IMAGE": own_name("debian12", base.layers), "OS_IMAGE": stage, "UV_IMAGE": "uv-local"},
        labels={},
        network="none",
        tag=f"{job.name}/rendered:1",
    )
    return job.engine.build(request, lambda _: None, threading.Event())


@pytest.fixture(scope="module")
def both(
    supplied: Supplied, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What is in the image that envbuild put together, and in the one of the rendered folder."""
    with supplied.place(tmp_path_factory.mktemp("both")) as job:
        bring(supplied, job)
        is_the_same(supplied, job, build(supplied, job))
        yield look(job, supplied.image.tags[0]), look(job, from_the_folder(supplied, job))


def files(found: dict[str, Any]) -> dict[str, list[Any]]:
    """What both must have: by path, with kind, rights and content; without content where that is free."""
    paths = {
        path: told
        for path, told in found["paths"].items()
        if not (OWN.fullmatch(path) or BYTECODE.fullmatch(path))
    }
    return {path: told[:-1] if WRITTEN.fullmatch(path) else told for path, told in paths.items()}


def test_they_have_the_same_files(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = map(files, both)
    assert ours == theirs
    beside = ("/opt/env/share/man/man1/rich.1", "/opt/env/include/site/python3.11/rich/rich.h")
    assert {f"{SITE}/torch/__init__.py", f"{SITE}/beside.py", "/opt/env/bin/shell", *beside} <= set(ours)


def test_they_have_the_same_distributions(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """With the same versions, and the same files in their RECORDs."""
    ours, theirs = both
    assert ours["dists"] == theirs["dists"]
    assert ours["dists"]["torch"][0] == "2.13.0+cpu"


def test_they_do_the_same(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = both
    assert ours["said"] == theirs["said"] == {"rich": "rich\n", "old-style": "rich\n", "shell": "shell\n"}
    assert ours["path"] == theirs["path"]
    env = [{name: text for name, text in each["env"].items() if name != "HOSTNAME"} for each in both]
    assert env[0] == env[1]


def test_only_ours_has_byte_code(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """So it is left out of the comparison."""
    found = [any(BYTECODE.fullmatch(path) for path in each["paths"]) for each in both]
    assert found == [True, False]
