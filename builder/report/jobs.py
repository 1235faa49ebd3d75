"""A plan as jobs of a CI system: GitHub's `strategy.matrix`, or a child pipeline of GitLab."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import __version__, yamldoc
from builder.cell import Cell, parts
from builder.errors import InputError

MOST = 256  # jobs that one matrix of GitHub may make
# What each calls its machines: https://docs.github.com/actions/reference/runners/github-hosted-runners and
# https://docs.gitlab.com/ci/runners/hosted_runners/linux/
RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}
TAGS = {
    "linux/amd64": ("ENVBUILD_TAG_AMD64", "saas-linux-medium-amd64"),
    "linux/arm64": ("ENVBUILD_TAG_ARM64", "saas-linux-medium-arm64"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one machine does: some cells of one platform."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def platform(self) -> str:
        """What the machine must be."""
        return self.cells[0].platform

    @property
    def gpu(self) -> bool:
        """Whether a GPU has something to prove."""
        return any(cell.cuda != "cpu" for cell in self.cells)


def cut(cells: Sequence[Cell], shards: int | None) -> tuple[Job, ...]:
    """A job per cell, or as many as were asked for, none of them empty and each of one platform (so at least
    one per platform).
    """
    if shards is None:
        return tuple(Job(name=cell.id, cells=(cell,)) for cell in cells)
    kinds: dict[str, list[Cell]] = {}
    for cell in cells:
        kinds.setdefault(cell.platform, []).append(cell)
    shares = dict.fromkeys(kinds, 1)  # each further job goes where most is left
    for _ in range(min(shards, len(cells)) - len(kinds)):
        shares[max(kinds, key=lambda kind: len(kinds[kind]) / shares[kind])] += 1
    found = [part for kind, own in kinds.items() for part in parts(own, shares[kind]) if part]
    return tuple(
        Job(name=f"part {number} of {len(found)}", cells=part) for number, part in enumerate(found, start=1)
    )


def for_github(jobs: Sequence[Job]) -> str:
    """One line of JSON, for `strategy.matrix` by `fromJSON`. Raises `InputError` for more jobs than it takes.

    `cells` are the patterns of `--only`, by spaces. A plan without cells is an empty `include`, which GitHub
    refuses: the job needs an `if`.
    """
    if len(jobs) > MOST:
        message = f"GitHub takes {MOST} jobs of one matrix, and these are {len(jobs)}"
        raise InputError.of(message, hint="give each job several cells: --shards 64")
    return json.dumps({"include": [_include(job) for job in jobs]})


def _include(job: Job) -> dict[str, Any]:
    told: dict[str, Any] = {"name": job.name, "cells": " ".join(cell.id for cell in job.cells)}
    if len(job.cells) == 1:
        (cell,) = job.cells
        told |= {"os": cell.os, "python": cell.python, "cuda": cell.cuda, "torch": cell.torch}
    return {**told, "platform": job.platform, "runner": RUNNERS[job.platform], "gpu": job.gpu}


def for_gitlab(jobs: Sequence[Job], matrix: Path) -> str:
    """A pipeline in YAML, to be triggered as a child: a job proves its cells, and its report goes along.

    `ENVBUILD` is what pip installs, `ENVBUILD_FLAGS` goes to every `envbuild up`, `ENVBUILD_TAG_…` names the
    runners; all can be set outside.
    """
    document: dict[str, Any] = {
        "stages": ["prove"],
        "variables": {"ENVBUILD": f"envbuild=={__version__}", "ENVBUILD_FLAGS": "", "DOCKER_HOST": "tcp://docker:2375",
                      "DOCKER_TLS_CERTDIR": "", **dict(TAGS[job.platform] for job in jobs)},
        "default": {"image": "python:3.12", "services": ["docker:28-dind"]},
        ".prove": {
            "stage": "prove",
            "before_script": ['pip install --quiet "$ENVBUILD"'],
            "artifacts": {"when": "always", "paths": [".envbuild/"], "reports": {"junit": "envbuild.xml"}},
        },
    }  # fmt: skip
    for job in jobs:
        document[job.name] = _gitlab(job, matrix)
    if not jobs:
        document["nothing to do"] = {"stage": "prove", "script": ["echo 'the plan has no cells'"]}
    return yamldoc.text(document).rstrip("\n")


def _gitlab(job: Job, matrix: Path) -> dict[str, Any]:
    only = " ".join(f"--only {cell.id}" for cell in job.cells)  # names that a shell leaves alone
    return {
        "extends": ".prove",
        "tags": [f"${TAGS[job.platform][0]}"],
        "script": [f"envbuild up {_quoted(matrix)} {only} --junit envbuild.xml --report $ENVBUILD_FLAGS"],
    }


def _quoted(path: Path) -> str:
    return shlex.quote(path.as_posix())
