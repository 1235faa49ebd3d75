"""A rendered folder, built by the engine, and the image that envbuild puts together hold the same environment.

In one uv installs the wheels, in a step of the page; in the other they are layers that were made on this machine.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import workplace
from main_job import CELL, SITE, Job
from supplied import Supplied, bring, build, is_the_same

from builder import lock
from builder.base import own_name
from builder.engine.api import BuildRequest, Entry, RunRequest
from builder.image import system
from builder.source import open_source, pins_txt
from builder.source.api import Supplies

pytest_plugins = ("supplied_fixtures",)
pytestmark = pytest.mark.real

# What a virtual environment has of its own: uv's has more ways to enter it.
OWN = ("activate", "deactivate", "pydoc", "_virtualenv.")
LOOK = (
    """
import hashlib, importlib.metadata, json, os, subprocess, sys

def told(path):
    if os.path.islink(path):
        return ["link", os.path.realpath(path)]
    if os.path.isdir(path):
        return ["folder", oct(os.stat(path).st_mode), os.stat(path).st_uid]
    with open(path, "rb") as file:
        content = hashlib.sha256(file.read()).hexdigest()
    return ["file", oct(os.stat(path).st_mode), os.stat(path).st_uid, content]

paths = {}
for top in ("/opt/env/bin", %r, "/opt/env/share", "/opt/env/include"):
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            if "__pycache__" not in path:
                paths[path] = told(path)
dists = {each.name: each.version for each in importlib.metadata.distributions()}
owned = {each.name: sorted(str(file) for file in each.files) for each in importlib.metadata.distributions()}
said = {name: subprocess.run([name], capture_output=True, text=True).stdout for name in ("small", "rich", "old-style")}
print(json.dumps({"paths": paths, "versions": dists, "owned": owned, "said": said, "path": sys.path, "env": dict(os.environ)}))
"""
    % SITE
)


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
    (stage,) = (name for name in job.kept() if name.startswith(system.REPOSITORY))
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


def test_both(supplied: Supplied, tmp_path: Path) -> None:
    with supplied.place(tmp_path) as job:
        bring(supplied, job)
        is_the_same(supplied, job, build(supplied, job))
        ours, theirs = look(job, supplied.image.tags[0]), look(job, from_the_folder(supplied, job))
    (tmp_path / "ours").write_text(json.dumps(ours, indent=1))
    (tmp_path / "theirs").write_text(json.dumps(theirs, indent=1))
    assert ours == theirs
