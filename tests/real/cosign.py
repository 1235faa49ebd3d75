"""The cosign of two Debian releases, of versions 2 and 3, as scripts/cosign fetches them; and keys."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "cosign"
RELEASES = ("trixie", "forky")
PASSWORD = "the-keys-password"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key pair's files; the private one wants PASSWORD."""

    private: Path
    public: Path


@dataclass(frozen=True, kw_only=True)
class Cosign:
    """The program, and an environment in which `envbuild` finds it."""

    program: Path
    home: Path

    @property
    def env(self) -> dict[str, str]:
        path = f"{self.program.parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "COSIGN_PASSWORD": PASSWORD}

    def run(self, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        return subprocess.run(
            [self.program, *map(str, words)],
            cwd=cwd,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def key(self, folder: Path) -> Key:
        """A new pair in a new folder."""
        folder.mkdir()
        made = self.run("generate-key-pair", cwd=folder)
        assert made.returncode == 0, made.stderr
        return Key(private=folder / "cosign.key", public=folder / "cosign.pub")

    def verifies(self, key: Key, reference: str) -> bool:
        """Whether cosign itself accepts the image as signed by that key."""
        words = ("verify", "--key", key.public, "--insecure-ignore-tlog=true", reference)
        return self.run(*words).returncode == 0


def of(release: str, home: Path) -> Cosign:
    """That release's, or the reason why it cannot be had as a reason to skip."""
    fetched = subprocess.run([SCRIPT, release], capture_output=True, text=True, check=False)
    if fetched.returncode == 4:
        pytest.skip(fetched.stderr.strip().rpartition("\n")[2])
    assert fetched.returncode == 0, fetched.stderr
    return Cosign(program=Path(fetched.stdout.strip()), home=home)
