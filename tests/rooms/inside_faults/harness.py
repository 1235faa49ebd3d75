"""Runs the packed verifier on the torch interpreter, as a container would, with one thing broken."""

import json
import os
import platform
import pwd
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from builder.bundle import bundle

SHIM = Path(__file__).parent / "shim"
NONCE = "0123456789abcdef"


@dataclass(frozen=True)
class Run:
    """What the verifier sent and how it ended."""

    code: int
    records: tuple[dict[str, Any], ...]
    stdout: str
    stderr: str

    def of(self, kind):
        return [record for record in self.records if record["record"] == kind]

    @property
    def checks(self):
        return {record["id"]: record for record in self.of("check")}

    def check(self, name):
        assert name in self.checks, self.stderr[-2000:]
        return self.checks[name]


@dataclass(frozen=True)
class Case:
    """One thing that is broken, and what the check must say then."""

    id: str
    name: str
    status: str = "fail"
    reason: str = ""
    claim: dict[str, Any] = field(default_factory=dict)  # over the true claim
    config: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return f"{self.id}: {self.name}"


@cache
def torch_python():
    """The interpreter with torch; a test that needs it fails without."""
    path = os.environ.get("ENVBUILD_TEST_TORCH_PYTHON")
    assert path, "set ENVBUILD_TEST_TORCH_PYTHON to a Python with torch and numpy, or run scripts/test"
    return path


@cache
def told(python):
    """What the interpreter says about itself."""
    code = (
        "import json, sys, importlib.metadata as m\n"
        "print(json.dumps([sys.version.split()[0], sys.prefix, [[d.metadata['Name'], d.version] "
        "for d in m.distributions()]]))"
    )
    return json.loads(subprocess.run([python, "-I", "-c", code], check=True, stdout=subprocess.PIPE).stdout)


def os_name():
    words = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    return words["ID"].strip('"') + words["VERSION_ID"].strip('"')


@cache
def truth():
    """A claim that the interpreter keeps, but for `torch`, which is read from the distribution's version."""
    version, prefix, packages = told(torch_python())
    account = pwd.getpwuid(os.getuid())
    torch = next(number for name, number in packages if name == "torch")
    return {
        "os": os_name(), "python": version, "torch": torch, "cuda": None, "arch": platform.machine(),
        "flavor": "runtime", "user": account.pw_name, "uid": account.pw_uid, "prefix": prefix,
        "packages": packages, "settings": [["ENVBUILD_TEST_SETTING", "yes"]], "gpus": [],
    }  # fmt: skip


def surroundings(python, env=None, faults=()):
    """The environment of a run: no CUDA toolkit of this machine's, no variables of this session's."""
    keep = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{Path(python).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    base = {**keep, "PATH": path, "ENVBUILD_TEST_SETTING": "yes", "PYTHONPATH": str(SHIM)}
    base["ENVBUILD_FAULTS"] = ",".join(("no_toolkit", *faults))
    return {**base, **(env or {})}


def start(folder, config, python=None, env=None):
    """Write the verifier and its configuration into `folder` and run it."""
    python = python or torch_python()
    (folder / "verify.pyz").write_bytes(bundle())
    (folder / "config.json").write_text(json.dumps(config))
    command = [python, str(folder / "verify.pyz"), str(folder / "config.json")]
    ended = subprocess.run(
        command, env=env, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    prefix = f"envbuild-record {NONCE} "
    rows = [json.loads(line[len(prefix) :]) for line in ended.stdout.splitlines() if line.startswith(prefix)]
    return Run(ended.returncode, tuple(rows), ended.stdout, ended.stderr)


def configuration(**changes):
    """A configuration with the true claim."""
    base = {"nonce": NONCE, "level": "basic", "epochs": 10, "claim": truth(), "gpu": False, "gpus": []}
    return {**base, "mnist": None, "only": None, "time_limit": 500, **changes}


def run(folder, case):
    """Run the one check of the case in its broken surroundings; `{folder}` in it is the test's folder."""
    filled = json.loads(json.dumps([case.claim, case.config, case.env]).replace("{folder}", str(folder)))
    claim, config, env = filled
    if "PYTHONPATH" in env:
        env["PYTHONPATH"] = f"{SHIM}:{env['PYTHONPATH']}"
    config = configuration(claim={**truth(), **claim}, only=[case.id], **config)
    return start(folder, config, env=surroundings(torch_python(), env, case.faults))


def without_torch():
    """This test's own interpreter: it has no torch."""
    return sys.executable
