"""A small lock of two cells, made once for all modules that name this file in `pytest_plugins`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine_members import address
from interpreter import mirror, with_its_own_prefix
from main_job import Job
from small_wheels import offered
from workplace import supply, workplace

SMALL = {
    "version": "1",
    "matrix": {"os": ["debian12", "debian13"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]},
    "python": {"provider": "standalone"},
    "packages": {"pip": ["small"]},
}
TWELVE, THIRTEEN = (f"debian{number}-py3.11-cpu-torch2.13.0" for number in (12, 13))


@dataclass(frozen=True, kw_only=True)
class Small:
    """Two Debians with one environment: a stand-in for a standalone Python (interpreter.py), and wheels of a
    few kilobytes. `matrix` has its lock beside it.
    """

    job: Job
    matrix: Path

    @property
    def mirror(self) -> Path:
        """A folder with everything that the lock names."""
        return self.job.folder.with_name("files")

    def write(self, name: str, **changes: Any) -> Path:
        """A matrix like it, without a lock."""
        path = self.job.folder / f"{name}.yaml"
        path.write_text(json.dumps({**SMALL, "image": f"{self.job.name}/{name}", **changes}))
        return path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The lock, and a place at the Docker engine that has all of its files."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "python").mkdir()
    listing = mirror(folder / "python", with_its_own_prefix("3.11"))
    settings = {**offered(folder / "wheels"), "UV_PYTHON_DOWNLOADS_JSON_URL": str(listing)}
    with workplace(folder / "job", address("docker"), env=settings) as job:
        found = Small(job=job, matrix=folder / "job" / "small.yaml")
        assert found.write("small") == found.matrix
        supply(job, found.matrix, found.mirror)
        yield found
