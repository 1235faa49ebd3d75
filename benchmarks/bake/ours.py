"""envbuild's side: the same cells from a committed lock, with the same wheels in its store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bake.engine import ROOT, Engine, run
from bake.inputs import NUMPY, OS, PYTHON, TORCH, Inputs

COMMAND = Path(sys.executable).with_name("envbuild")
STAND_IN = ROOT / "tests" / "real" / "interpreter.py"  # packs an interpreter of this machine
IMAGES = "localhost/bench/ours"


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A folder with a matrix of these bases. `provider`: where Python comes from; `listing`: its mirror."""

    engine: Engine
    inputs: Inputs
    provider: str
    listing: Path | None

    @property
    def images(self) -> tuple[str, ...]:
        """Their tags, in the order of the bases."""
        return tuple(f"{IMAGES}:{name}" for name in self._systems)

    def lock(self) -> float:
        """Seconds to pin everything, once; the locks are kept for all runs, as a repository keeps them."""
        self._folder.mkdir(exist_ok=True)
        seconds = 0.0
        for which, numpy in reversed(tuple(enumerate(NUMPY))):  # the first lock is the one that is told
            self._fresh_store()
            self._matrix.write_text(json.dumps(self._asked(numpy), indent=2))
            self._lock.unlink(missing_ok=True)
            began = time.monotonic()
            self._envbuild("lock", str(self._matrix))
            seconds = time.monotonic() - began
            shutil.copy(self._matrix, self._folder / f"{which}.yaml")
            shutil.copy(self._lock, self._folder / f"{which}.lock.json")
        return seconds

    def cold(self) -> float:
        """Seconds from nothing but the bases, the wheels and the lock."""
        self._fresh_store()
        shutil.rmtree(self._folder / ".envbuild", ignore_errors=True)
        self._supply(0)
        return self._build()

    def changed(self) -> float:
        """Seconds after `cold`, with another numpy in matrix and lock."""
        self._supply(1)
        return self._build()

    def unchanged(self) -> float:
        """Seconds of the same again."""
        return self._build()

    @property
    def _systems(self) -> dict[str, str]:
        """The matrix's own names of the bases, and the images that they mean."""
        return {f"base{number}": base for number, base in enumerate(self.inputs.bases, start=1)}

    def _asked(self, numpy: str) -> dict[str, object]:
        """The matrix. JSON is YAML too."""
        return {
            "version": "1",
            "image": IMAGES,
            "tags": ["{os}"],
            "systems": {name: {"like": OS, "image": base} for name, base in self._systems.items()},
            "matrix": {"os": list(self._systems), "python": [PYTHON], "cuda": ["cpu"], "torch": [TORCH]},
            "python": {"provider": self.provider},
            "packages": {"pip": [f"numpy=={numpy}"]},
        }

    @property
    def _folder(self) -> Path:
        return self.engine.folder / "ours"

    @property
    def _matrix(self) -> Path:
        return self._folder / "bench.yaml"

    @property
    def _lock(self) -> Path:
        return self._folder / "bench.lock.json"

    @property
    def _store(self) -> Path:
        return self._folder / "store"

    def _fresh_store(self) -> None:
        """A store with the wheels, as the usual way has them in a folder, and nothing else."""
        shutil.rmtree(self._store, ignore_errors=True)
        shutil.copytree(self.inputs.store / "sha256", self._store / "sha256", copy_function=os.link)

    def _supply(self, which: int) -> None:
        shutil.copy(self._folder / f"{which}.yaml", self._matrix)
        shutil.copy(self._folder / f"{which}.lock.json", self._lock)

    def _build(self) -> float:
        began = time.monotonic()
        self._envbuild("build", str(self._matrix), "--quiet")
        return time.monotonic() - began

    def _envbuild(self, *words: str) -> None:
        mirror = {"UV_PYTHON_DOWNLOADS_JSON_URL": str(self.listing)} if self.listing else {}
        env = self.engine.env | {"ENVBUILD_STORE": str(self._store)} | mirror
        run([str(COMMAND), *words], env, self._folder)


def stand_in(folder: Path) -> Path:
    """A mirror with one Python, for a machine that reaches no published ones; it needs glibc 2.34 to run."""
    folder.mkdir()
    words = [sys.executable, str(STAND_IN), str(folder), f"python{PYTHON}"]
    return Path(subprocess.run(words, text=True, stdout=subprocess.PIPE, check=True).stdout.strip())
