"""What tests of the main job share: a place to work in, the command as users run it, an image that passed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import engine_members

from builder import lock as locks
from builder.base import own_name
from builder.cli import selection
from builder.engine.api import Engine, Entry
from builder.lock import Lock

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("envbuild")
CELL = "debian12-py3.11-cpu-torch2.13.0"
QUICKSTART = {
    "version": "1",
    "matrix": {"os": ["debian12"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]},
    "python": {"provider": "system"},
    "packages": {"pip": ["numpy"]},
}
SITE = "/opt/env/lib/python3.11/site-packages"  # in the image of CELL
TORCH = f"{SITE}/torch"
HANG = "import time\nwhile True:\n    time.sleep(60)\n"  # a torch that never ends to be imported
PATIENCE = 60  # seconds for the engine to end a process; it takes a moment
MADE = "org.envbuild.test"  # the label of images that tests make from others
OURS = "localhost/envbuild/"  # bases, OS images and carriers that envbuild keeps for later


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        """The cells of `--json`, by name."""
        return {cell["cell"]: cell for cell in json.loads(self.out)["cells"]}

    @property
    def traceback(self) -> bool:
        return "Traceback" in self.out + self.err or "bug in envbuild" in self.err


def _hears_hang_up() -> None:
    """As from a terminal, also where the tests themselves run under `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A folder, a store, an engine, and `envbuild` in it. Names of images made here begin with `name`."""

    name: str
    folder: Path
    engine: Engine
    client: docker.DockerClient
    env: dict[str, str] = field(repr=False)

    @contextmanager
    def start(
        self, *arguments: object, env: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """`envbuild` at work, in a process group of its own as a shell starts it; killed if it is left."""
        with subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_hears_hang_up,  # noqa: PLW1509
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *arguments: object, env: Mapping[str, str] | None = None) -> Ended:
        """`envbuild` to its end."""
        with self.start(*arguments, env=env) as process:
            out, err = process.communicate()
        return Ended(code=process.returncode, out=out, err=err)

    def matrix(self, name: str, **changes: object) -> Path:
        """A matrix file: the quickstart's with other values. JSON is YAML too."""
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps({**QUICKSTART, "image": f"{self.name}/{name}", **changes}))
        return path

    def derive(
        self, base: str, *lines: str, files: Mapping[str, str | Path] | None = None, user: str = "1000"
    ) -> str:
        """The id of an image made from another: lines of a Dockerfile, done as root, then files by path."""
        given = [(f"file{number}", path, held) for number, (path, held) in enumerate((files or {}).items())]
        copies = [f'COPY ["{name}", "{path}"]' for name, path, _ in given]
        page = "\n".join((f"FROM {base}", "USER 0", *lines, *copies, f"USER {user}", ""))
        content = [(name, held.encode() if isinstance(held, str) else held) for name, _, held in given]
        entries = [Entry(path=name, content=held, mode=0o755) for name, held in content]
        context = (Entry(path="Dockerfile", content=page.encode()), *entries)
        request = engine_members.request(page, labels={MADE: self.name}, context=context)
        return self.engine.build(request, lambda progress: None, threading.Event())

    def tags(self, repository: str) -> list[str]:
        """The tags of a matrix that `matrix` wrote, as the engine has them."""
        tags = [tag for image in self.client.images.list() for tag in image.tags]
        return sorted(tag for tag in tags if tag.startswith(f"{self.name}/{repository}:"))

    def kept(self) -> dict[str, str]:
        """Bases, OS images and carriers in the engine: name and id."""
        return {
            tag: image.id for image in self.client.images.list() for tag in image.tags if tag.startswith(OURS)
        }

    def containers(self, image: str) -> list[str]:
        """Ids of an image's containers, those that ended included."""
        found = self.client.containers.list(all=True, filters={"ancestor": image}, ignore_removed=True)
        return [container.id for container in found]


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The quickstart's image, built and proven once."""

    job: Job
    matrix: Path
    out: Path
    ended: Ended

    @property
    def folder(self) -> Path:
        """Where the cell's log and records are."""
        return self.out / CELL

    @property
    def tag(self) -> str:
        return f"{self.job.name}/quickstart:{CELL}"

    def record(self, kind: str) -> dict[str, Any]:
        """The value of one of its records."""
        value: dict[str, Any] = json.loads((self.folder / f"{kind}.json").read_text())["value"]
        return value

    @property
    def lock(self) -> Lock:
        """What the first run pinned."""
        found = locks.read(locks.path_for(self.matrix))
        assert found
        return found

    @property
    def base(self) -> str:
        """The base's name in the engine."""
        (base,) = self.lock.bases
        names = (own_name("debian12", base.layers), base.reference)
        return next(name for name in names if self.job.engine.find(name))

    def judged_as(self, image: str, cell: str = CELL, **changes: object) -> Path:
        """A matrix like the quickstart's, changed, built as `image`: its record and its tags say so.

        It has no lock.
        """
        name = f"judged-{uuid.uuid4().hex[:8]}"
        matrix, folder = self.job.matrix(name, **changes), self.job.folder / ".envbuild" / name / cell
        folder.mkdir(parents=True)
        record = json.loads((self.folder / "image.json").read_text())
        (recipe,) = selection.select(matrix).recipes()
        assert recipe.cell.id == cell
        changed = {
            "id": image,
            "stored": image,
            "cell": cell,
            "recipe": recipe.digest,
            "tags": recipe.cell.tags,
        }
        record["value"] |= changed
        (folder / "image.json").write_text(json.dumps(record))
        for tag in recipe.cell.tags:
            self.job.engine.tag(image, tag)
        return matrix

    def judge(
        self, image: str, *options: str, cell: str = CELL, **changes: object
    ) -> tuple[Ended, dict[str, Any]]:
        """`envbuild verify` on an image as if it had been built for a cell: how it ended, and the result.

        At the level that imports torch and does not train, unless told otherwise.
        """
        level = () if "--level" in options else ("--level", "static")
        ended = self.job.run(
            "verify", self.judged_as(image, cell, **changes), "--json", "-q", *level, *options
        )
        assert ended.code in (0, 1), ended.err
        assert not ended.traceback
        return ended, ended.cells[cell]


def checks(result: dict[str, Any], *statuses: str) -> dict[str, str]:
    """The checks of a result that ended so: id and reason."""
    found = result["verification"]["checks"]
    return {check["id"]: check["reason"] for check in found if check["status"] in statuses}


def fake(code: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """A torch of that code alone, without byte code, installed as if it were the claimed one."""
    metadata = "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n"
    lines = (f"RUN rm -r {TORCH} {SITE}/torch-*.dist-info",)
    return lines, {f"{TORCH}/__init__.py": code, f"{SITE}/torch-2.13.0+cpu.dist-info/METADATA": metadata}


def lives(argument: str) -> bool:
    """Whether a process with that argument runs; those in containers on this machine are seen too."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
    return False


def becomes(living: bool, argument: str) -> bool:
    """Whether a process with that argument lives, or is gone, before patience is."""
    return becomes_true(lambda: lives(argument) is living)


def becomes_true(holds: Callable[[], object]) -> bool:
    """Whether something comes to hold before patience is gone."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
