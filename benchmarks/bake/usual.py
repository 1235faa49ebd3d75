"""The usual way: this Dockerfile, and `docker buildx bake` with one target per cell."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bake.engine import Engine, run
from bake.inputs import Inputs

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,source=wheels,target=/wheels python3 -m venv /opt/venv && /opt/venv/bin/pip install -q --no-index --find-links /wheels torch numpy
"""  # noqa: E501  the text is the baseline, as it is
IMAGES = "localhost/bench/bake"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """A folder as a team has it: Dockerfile, bake file, wheels."""

    engine: Engine
    inputs: Inputs

    @property
    def images(self) -> tuple[str, ...]:
        """Their names, in the order of the bases."""
        return tuple(f"{IMAGES}:{number}" for number, _ in enumerate(self.inputs.bases, start=1))

    def cold(self) -> float:
        """Seconds from nothing but the bases and the wheels."""
        self._supply(0)
        return self._bake("--no-cache")

    def changed(self) -> float:
        """Seconds after `cold`, with another numpy in the folder."""
        self._supply(1)
        return self._bake()

    def unchanged(self) -> float:
        """Seconds of the same again."""
        return self._bake()

    @property
    def _folder(self) -> Path:
        return self.engine.folder / "usual"

    def _supply(self, which: int) -> None:
        """The folder with that choice of wheels: copies, as downloads are."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self.inputs.wheels[which], self._folder / "wheels")
        (self._folder / "Dockerfile").write_text(DOCKERFILE)
        (self._folder / "docker-bake.json").write_text(json.dumps(self._plan(), indent=2))

    def _plan(self) -> dict[str, object]:
        """The bake file. The host's network, for that is what envbuild's steps have too."""
        targets = {
            f"cell{number}": {"args": {"BASE": base}, "tags": [image], "network": "host"}
            for number, (base, image) in enumerate(zip(self.inputs.bases, self.images, strict=True), start=1)
        }
        return {"group": {"default": {"targets": list(targets)}}, "target": targets}

    def _bake(self, *options: str) -> float:
        words = [self.engine.buildx, "bake", "--progress", "plain", "--allow", "network.host", *options]
        began = time.monotonic()
        run(words, self.engine.env, self._folder)
        return time.monotonic() - began
