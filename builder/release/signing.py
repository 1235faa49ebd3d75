"""`cosign` signs what a registry has, by its digest; this is the only door to it.

Nothing goes to a public log. The key's password (COSIGN_PASSWORD), and what a key store wants to know, cosign
takes from the environment.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import InputError, InterruptedByUserError, OutsideError

PATIENCE = 5.0  # seconds that cosign has to end when it is asked to
# Files for cosign from version 3 on, which else asks a public service for both: no log, nobody to trust.
NO_SERVICES = '{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}\n'
NO_ROOT = '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosign:
    """The program, the environment that it gets, and the event that ends it."""

    program: str
    environ: Mapping[str, str] = field(repr=False)
    cancel: threading.Event

    def ask(self, *words: str) -> tuple[int, str, str]:
        """Run it to its end: exit code, output, and what went wrong by its own words."""
        with subprocess.Popen(
            [self.program, *words],
            env=dict(self.environ),
            stdin=subprocess.PIPE,  # not a terminal, so that it asks nobody for a password
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is ours: it ends with us
        ) as process:
            try:
                out, err = self._followed(process)
            finally:
                _end(process)
        return process.returncode, out, self._reason(err)

    def _followed(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        while True:
            if self.cancel.is_set():
                raise InterruptedByUserError.of("interrupted")
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=0.1)

    def _reason(self, err: str) -> str:
        """The error among all that it says, without the password."""
        told = re.findall(r"^Error: (.*)$", err, re.MULTILINE)
        words = str(told[-1] if told else err.strip().rpartition("\n")[2])
        password = self.environ.get("COSIGN_PASSWORD")
        words = words.replace(password, "***") if password else words
        return "".join(letter if letter.isprintable() else " " for letter in words)[:500]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs with one key, whose public half lies in the file `public`. `reach` is how cosign reaches the
    registry, `private` keeps it from public logs: options of its own.
    """

    cosign: Cosign
    key: str
    public: Path
    reach: tuple[str, ...]
    private: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """`sha256:…` of the public key in DER form."""
        body = "".join(line for line in self.public.read_text().splitlines() if "-----" not in line)
        return f"sha256:{hashlib.sha256(base64.b64decode(body)).hexdigest()}"

    def sign(self, reference: str) -> str:
        """See to a signature by this key on `host/path@sha256:…`; the key's fingerprint. What has one already
        is not signed again. Raises `OutsideError` where cosign fails, or what it signed does not verify.
        """
        if not self._verifies(reference):
            words = ("--yes", f"--key={self.key}", *self.private, *self.reach, reference)
            code, _, reason = self.cosign.ask("sign", *words)
            if code or not self._verifies(reference):
                reason = reason if code else "what it signed does not verify"
                raise OutsideError.of(
                    f"signing {reference} failed (cosign says: {reason})",
                    hint="no tag was put on it; run it again: what has arrived is not sent again",
                )
        return self.fingerprint

    def _verifies(self, reference: str) -> bool:
        words = (f"--key={self.public}", "--insecure-ignore-tlog=true", *self.reach, reference)
        return self.cosign.ask("verify", *words)[0] == 0


def signer(key: str, reach: tuple[str, ...], folder: Path, cancel: threading.Event) -> Signer:
    """What signs with `key`, as `cosign sign --key` takes it; `folder` is for files of its own. Raises
    `InputError` where there is no cosign, or where it cannot use that key.
    """
    program = shutil.which("cosign")
    if program is None:
        raise InputError.of(
            "cosign is not there, and --sign needs it",
            hint="install it (Debian from trixie on has it: apt-get install cosign), or leave --sign out",
        )
    cosign = Cosign(program=program, environ=_environ(folder), cancel=cancel)
    code, out, reason = cosign.ask("public-key", f"--key={key}")
    if code or "PUBLIC KEY" not in out:
        wrong = "decrypt" in reason
        raise InputError.of(
            f"cosign cannot use the key {key}" + (f" (it says: {reason})" if reason else ""),
            hint="its password is taken from COSIGN_PASSWORD" if wrong else "see `cosign sign --help`: --key",
        )
    public = folder / "signing.pub"
    public.write_text(out)
    return Signer(cosign=cosign, key=key, public=public, reach=reach, private=_private(cosign, folder))


def _environ(folder: Path) -> dict[str, str]:
    """Ours; with the credentials of `REGISTRY_AUTH_FILE`, which alone count where it is set, as Docker's."""
    environ = dict(os.environ)
    if environ.get("REGISTRY_AUTH_FILE"):
        own = folder / "signing"
        own.mkdir()
        (own / "config.json").symlink_to(Path(environ["REGISTRY_AUTH_FILE"]).absolute())
        environ["DOCKER_CONFIG"] = str(own)
    return environ


def _private(cosign: Cosign, folder: Path) -> tuple[str, ...]:
    """What keeps this cosign from public services: before version 3 a word, then files that name none."""
    _, out, _ = cosign.ask("sign", "--help")
    if re.search(r"^\s+--tlog-upload=", out, re.MULTILINE):
        return ("--tlog-upload=false",)
    services, root = folder / "signing-services.json", folder / "signing-root.json"
    services.write_text(NO_SERVICES)
    root.write_text(NO_ROOT)
    return (f"--signing-config={services}", f"--trusted-root={root}")


def _end(process: subprocess.Popen[str]) -> None:
    """End it, if it has not ended by itself."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
