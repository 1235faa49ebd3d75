"""A Debian base image's root file system, made from this machine's own mirror: no registry needed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from builder.errors import OutsideError
from builder.source import debian_mirror
from builder.source.api import GoOn, Rootfs
from builder.source.scrub import scrub, secrets_of, shown
from builder.source.store import OnNote, locked, sha256_of, told_plainly

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_HELPER = "/usr/lib/apt/apt-helper"
TOOLS = "apt-get install mmdebstrap debian-archive-keyring"
DEBIAN_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}
LOOK, GRACE = 0.2, 20.0  # seconds between two looks at whether to go on, and to clean up in
DATE = re.compile(r"^Date: (.+)$", re.MULTILINE)
# What mmdebstrap copies from this machine or keeps of its options: nothing of the host's may end in a layer.
FORGET = (
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/0000mmdebstrap.list",
    "etc/resolv.conf",
    "etc/hostname",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One suite as the mirror has it today. `public` is where everybody finds it."""

    name: str
    uri: str
    public: str
    release: bytes  # InRelease


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """Root file systems' tars in the store at `root`. `on_note` is told of one that somebody has changed."""

    root: Path
    env: Mapping[str, str]
    on_note: OnNote

    def make(self, name: str, codename: str, go_on: GoOn, arch: str = "") -> Path:
        """The tar of `codename` for `arch` (empty: this machine's), made when the mirror has changed since
        the last time (about half a minute, emulated several).

        The mirror is only needed here: the image names Debian's public mirrors and nothing of this machine.
        Where those cannot be reached from a build, its system packages cannot be installed either. Times in
        the tar are the mirror's date, so the same mirror gives the same bytes. `go_on` is called again and
        again; when it raises, mmdebstrap is stopped. Raises `OutsideError` for another OS than Debian,
        without mmdebstrap, or without root.
        """
        _check_possible(name)
        mirror = debian_mirror.configured(self.env)
        with told_plainly(self.root), tempfile.TemporaryDirectory(prefix="envbuild-") as scratch:
            suites = _suites(codename, mirror, Path(scratch))
            digest = hashlib.sha256(b"".join(suite.release for suite in suites)).hexdigest()
            arch = arch or os.uname().machine
            tar = self.root / "bootstrap" / f"{codename}-{arch}-{digest[:16]}.tar"
            tar.parent.mkdir(parents=True, exist_ok=True)
            with locked(tar.with_suffix(".lock")):
                if self._is_whole(tar):
                    os.utime(_digest_file(tar))  # used now: pruned late
                else:
                    _run(_Wanted(codename=codename, arch=arch, suites=suites), tar, Path(scratch), go_on)
        return tar

    def find(self, sha256: str) -> Path | None:
        """The tar of that content, whichever it is."""
        for told in sorted((self.root / "bootstrap").glob("*.sha256")):
            tar = told.with_suffix(".tar")
            if told.read_text().split()[:1] == [sha256] and self._is_whole(tar):
                return tar
        return None

    def _is_whole(self, tar: Path) -> bool:
        """Whether an earlier result is here and unchanged."""
        try:
            if facts(tar).sha256 == sha256_of(tar):
                return True
        except (FileNotFoundError, ValueError):  # nothing, or an older envbuild's, which wrote down no date
            return False
        self.on_note(f"{tar} is not what was bootstrapped; it is not used")
        return False


def facts(tar: Path) -> Rootfs:
    """What was written down of a tar when it was made."""
    sha256, date = _digest_file(tar).read_text().split()
    return Rootfs(path=tar, sha256=sha256, date=int(date))


def _check_possible(name: str) -> None:
    """Say what is missing before anything starts."""
    if not name.startswith("debian"):
        raise OutsideError.of(
            f"a base image for {name} cannot be bootstrapped, only Debian's can",
            hint="use `base: registry` where one is reachable, or bring the image: docker save, docker load",
        )
    if _tools_missing():
        raise OutsideError.of("mmdebstrap is not installed", hint=f"as root: {TOOLS}")
    if os.geteuid() != 0:
        raise OutsideError.of(
            "bootstrapping a base image needs root", hint="run as root, or use `base: registry`"
        )


def _tools_missing() -> bool:
    """mmdebstrap, Debian's keys and apt itself: on another system than Debian or Ubuntu there is none."""
    return shutil.which("mmdebstrap") is None or not (Path(KEYRING).is_file() and Path(APT_HELPER).is_file())


def _suites(codename: str, mirror: debian_mirror.Mirror, scratch: Path) -> tuple[Suite, ...]:
    """The release itself, and its updates and security where there are any (a coming release has none)."""
    wanted = (
        (codename, mirror.archive, debian_mirror.PUBLIC),
        (f"{codename}-updates", mirror.archive, debian_mirror.PUBLIC),
        (f"{codename}-security", mirror.security, debian_mirror.PUBLIC_SECURITY),
    )
    found = []
    for name, uri, public in wanted:
        release = _release(uri, name, scratch / name, required=name == codename)
        if release is not None:
            found.append(Suite(name=name, uri=uri, public=public, release=release))
    return tuple(found)


def _release(uri: str, suite: str, target: Path, *, required: bool) -> bytes | None:
    """The suite's InRelease, by apt's own helper: its proxies, certificates, logins apply. None for a 404."""
    address = f"{uri}/dists/{suite}/InRelease"
    end = subprocess.run(
        [APT_HELPER, "download-file", address, str(target)], capture_output=True, text=True, check=False
    )
    if end.returncode == 0:
        return target.read_bytes()
    if not required and re.search(r"\b404\b|Not Found|File not found", end.stdout + end.stderr):
        return None
    raise OutsideError.of(
        f"the Debian mirror does not give {shown(address)}: {_last_lines(end.stdout, (uri,), 1)}",
        hint="check apt's sources on this machine (apt-get update), or set ENVBUILD_DEBIAN_MIRROR",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What mmdebstrap is to make."""

    codename: str
    arch: str
    suites: tuple[Suite, ...]

    @property
    def foreign(self) -> tuple[str, ...]:
        """The option for another architecture than this machine's."""
        native = self.arch == os.uname().machine
        return () if native else (f"--architectures={DEBIAN_ARCH.get(self.arch, self.arch)}",)

    @property
    def hint(self) -> str:
        """What may help where it fails."""
        return f"try it by hand; it needs {TOOLS}{' qemu-user-static arch-test' if self.foreign else ''}"


def _run(wanted: _Wanted, tar: Path, scratch: Path, go_on: GoOn) -> None:
    """mmdebstrap into a temporary file, then into its place together with its sha256."""
    codename, suites = wanted.codename, wanted.suites
    options, sources, partial = scratch / "apt.conf", scratch / "debian.sources", tar.with_suffix(".partial")
    options.write_text("".join(line + "\n" for line in debian_mirror.apt_options()))
    sources.write_text(_public_sources(suites))
    # The mirror's lines go in by stdin: an address may hold a password, and everybody can read arguments.
    lines, said = scratch / "lines", scratch / "said"
    lines.write_text(
        "".join(f"deb [signed-by={KEYRING}] {suite.uri} {suite.name} main\n" for suite in suites)
    )
    command = ["mmdebstrap", "--variant=minbase", "--format=tar", f"--aptopt={options}",
               *wanted.foreign, *_hooks(sources), codename, str(partial), "-"]  # fmt: skip
    env = os.environ | {"SOURCE_DATE_EPOCH": str(_epoch(suites)), "TMPDIR": str(scratch)}
    try:
        code = _attended(command, lines, said, env, go_on)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if code != 0:
        partial.unlink(missing_ok=True)
        told = _last_lines(said.read_text(errors="replace"), [suite.uri for suite in suites], 5)
        raise OutsideError.of(f"mmdebstrap could not make {codename}: {told}", hint=wanted.hint)
    _digest_file(tar).write_text(f"{sha256_of(partial)} {_epoch(suites)}\n")
    partial.replace(tar)


def _attended(command: list[str], given: Path, said: Path, env: Mapping[str, str], go_on: GoOn) -> int:
    """A program to its end; its exit code. Stopped, and waited for, when `go_on` raises."""
    with (
        given.open("rb") as stdin,
        said.open("wb") as stderr,
        subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, env=env, start_new_session=True
        ) as program,
    ):
        try:
            while program.poll() is None:
                go_on()
                with suppress(subprocess.TimeoutExpired):
                    program.wait(LOOK)
        except BaseException:
            # All of them, as Ctrl-C on a terminal would: mmdebstrap itself leaves signals to its child, which
            # unmounts and removes what it made.
            os.killpg(program.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                program.wait(GRACE)
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            raise
        return program.returncode


def _hooks(sources: Path) -> tuple[str, ...]:
    """What mmdebstrap does last: public sources in, this machine's configuration out."""
    forget = " ".join(f'"$1/{path}"' for path in FORGET)
    return (
        f"--customize-hook=rm -f {forget}",
        f"--customize-hook=upload {sources} /etc/apt/sources.list.d/debian.sources",
    )


def _public_sources(suites: tuple[Suite, ...]) -> str:
    """apt's sources as Debian's own image has them."""
    paragraphs = []
    for public in dict.fromkeys(suite.public for suite in suites):
        names = " ".join(suite.name for suite in suites if suite.public == public)
        paragraphs.append(
            f"Types: deb\nURIs: {public}\nSuites: {names}\nComponents: main\nSigned-By: {KEYRING}\n"
        )
    return "\n".join(paragraphs)


def _epoch(suites: tuple[Suite, ...]) -> int:
    """The newest date among the releases, in seconds: never now, never 0."""
    dates = [found[1] for suite in suites if (found := DATE.search(suite.release.decode(errors="replace")))]
    return max((int(parsedate_to_datetime(date).timestamp()) for date in dates), default=1)


def _digest_file(tar: Path) -> Path:
    return tar.with_suffix(".sha256")


def _last_lines(text: str, uris: tuple[str, ...] | list[str], count: int) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return scrub("; ".join(lines[-count:]), secrets_of(uris)) or "no reason given"
