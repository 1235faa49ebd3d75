"""A small matrix: two Debians with one environment, and a place where it has its lock."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from main_job import Job

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
