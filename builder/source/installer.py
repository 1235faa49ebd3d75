"""uv, found and run: the only place that starts it."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.errors import OutsideError

MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}  # e_machine of an ELF header


@dataclass(frozen=True, slots=True, kw_only=True)
class UvEnd:
    """How a run of uv ended. The text of `stderr` is uv's own: scrub it before anybody sees it."""

    exit_code: int
    stdout: str
    stderr: str


def find() -> Path:
    """The uv executable that was installed beside envbuild. Raises `OutsideError` where it is missing."""
    import uv  # noqa: PLC0415

    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise OutsideError.of("uv is not installed", hint="pip install --force-reinstall uv") from error


def find_for_images() -> Path:
    """The same, checked to run in a Linux image of this machine's architecture (else `OutsideError`)."""
    path = find()
    with path.open("rb") as file:
        header = file.read(20)
    machine = MACHINES.get(int.from_bytes(header[18:20], "little")) if header[:4] == b"\x7fELF" else None
    if machine is None or machine != _machine():
        kind = f"a program for {machine}" if machine else "not a Linux program"
        raise OutsideError.of(
            f"uv at {path} is {kind}: it cannot install inside a {_machine()} image",
            hint="install uv for Linux on this machine's architecture: pip install --force-reinstall uv",
        )
    return path


@contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder to run uv in, removed at the end.

    It holds an empty `uv.toml`, at which uv's search for a project's configuration ends: a user's and a
    machine's own uv.toml may name a team's indexes and do apply, while the project in whose folder somebody
    happens to stand does not.
    """
    with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
        (Path(folder) / "uv.toml").touch()
        yield Path(folder)


def run(arguments: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> UvEnd:
    """Run uv to its end in `folder`. Its exit code is the caller's to judge."""
    command = [str(find()), *arguments, "--no-progress", "--color", "never"]
    try:
        end = subprocess.run(command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False)
    except OSError as error:
        raise OutsideError.of(
            f"uv does not start: {error}", hint="pip install --force-reinstall uv"
        ) from error
    return UvEnd(exit_code=end.returncode, stdout=end.stdout, stderr=end.stderr)


def _machine() -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine())
