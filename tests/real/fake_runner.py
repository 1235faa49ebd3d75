"""A runner of GitHub Actions as a step sees one: its variables, its files, and bash as it starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
EXPRESSION = re.compile(r"\$\{\{\s*([\w.\-]+)\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """How a step ended, and what it left for the runner."""

    code: int
    log: str  # standard output, then standard error
    outputs: dict[str, str]
    summary: str


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A workspace and what the job knows. `values` answers expressions such as `inputs.matrix`."""

    folder: Path  # the workspace
    env: Mapping[str, str]  # of the machine

    def run(self, step: Mapping[str, Any], values: Mapping[str, str]) -> Stepped:
        """A step's script with its own variables; expressions stand in these alone."""
        assert not EXPRESSION.search(step["run"]), "words in a script are code"
        assert step["shell"] == "bash"
        files = {name: self._file(name) for name in ("OUTPUT", "STEP_SUMMARY", "PATH", "ENV")}
        given = {name: _filled(str(text), values) for name, text in step.get("env", {}).items()}
        env = {
            **self.env,
            **given,
            **{f"GITHUB_{name}": str(path) for name, path in files.items()},
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(self.folder.parent),
            "PATH": f"{Path(sys.executable).parent}:{self.env['PATH']}",
        }
        # As the runner does it for `shell: bash`.
        script = self.folder.parent / "step.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
        end = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        lines = files["OUTPUT"].read_text().splitlines()
        return Stepped(
            code=end.returncode,
            log=end.stdout + end.stderr,
            outputs=dict(line.split("=", 1) for line in lines),
            summary=files["STEP_SUMMARY"].read_text(),
        )

    def _file(self, name: str) -> Path:
        path = self.folder.parent / name
        path.write_text("")
        return path


def _filled(text: str, values: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda found: values[found[1]], text)


def workflow(name: str, job: str) -> dict[str, dict[str, Any]]:
    """The steps of a job that have a script, by their names."""
    document = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return {step["name"]: step for step in document["jobs"][job]["steps"] if "run" in step}


def action() -> dict[str, dict[str, Any]]:
    """The steps of the action, by their names."""
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    return {step["name"]: step for step in document["runs"]["steps"]}


def machine(**more: str) -> dict[str, str]:
    """This machine's variables without what envbuild or Docker would take for a setting."""
    known = {name: text for name, text in os.environ.items() if not name.startswith(("ENVBUILD_", "DOCKER_"))}
    return {**known, **more}
