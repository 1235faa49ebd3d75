"""The standalone interpreter of an order: which archive it is, and its sha256, from uv's own knowledge."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.version import Version

from builder.errors import CellError, EnvbuildError, OutsideError
from builder.source import installer, uv_settings
from builder.source.access import Access
from builder.source.api import Pin
from builder.source.scrub import bare, scrub, shown
from builder.source.settings import Settings
from builder.source.store import Store, sha256_of, told_plainly

MIRROR = "UV_PYTHON_INSTALL_MIRROR"
REFUSED, SERVER_FAILED = 400, 500  # HTTP
HINT = f"name a mirror of python-build-standalone in {MIRROR}, or use `python: {{provider: system}}`"
ARCHIVE = re.compile(
    r"cpython-(?P<version>\d+\.\d+\.\d+)(?P<pre>(?:a|b|rc)\d+)?\+(?P<build>\d+)-(?P<arch>[a-z0-9_]+?)-unknown"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreters:
    """uv, as the one who knows where interpreters are.

    uv's list has addresses and no hashes; the hashes are inside uv, and it compares them when it installs. So
    the first time uv installs the interpreter into a folder that is thrown away, and the archive that passed
    its check goes to the store with a record beside (`interpreters/<archive>.json`); from then on the record
    answers.
    """

    settings: Settings
    env: Mapping[str, str]
    store: Store

    def pin(self, python: str, arch: str) -> Pin:
        """The newest patch of `python` (`3.12`, `3.13t`, `3.12.1`) for Linux with glibc on `arch`.

        Raises `CellError` where uv knows none, `OutsideError` where its mirror does not answer.
        """
        key, version, url = self._known(python, arch)
        record = self.store.root / "interpreters" / (re.sub(r"[^\w.+-]", "_", url) + ".json")
        return _recorded(record) or self._install(key, version, url, record)

    def offered(self, python: str, arch: str) -> str:
        """The version that `pin` would bring; it is looked for, and not fetched. Raises as `pin` does."""
        _, version, url = self._known(python, arch)
        if url.startswith("file://"):
            there = Path(unquote(urlsplit(url).path)).is_file()
        else:
            status = Access(settings=self.mirror_credentials()).status(url)
            if status is None or status >= SERVER_FAILED:
                raise OutsideError.of(
                    f"{urlsplit(url).netloc} does not answer, which has Python {version}", hint=HINT
                )
            there = status < REFUSED
        if not there:
            raise CellError.of(f"{shown(url)} is not there", hint=HINT)
        return version

    def mirror_credentials(self) -> Settings:
        """The settings that fetch an interpreter: a mirror's address may hold its own user and password."""
        return Settings(
            extra_indexes=(self.env.get(MIRROR, ""),),
            cert=self.settings.cert,
            client_cert=self.settings.client_cert,
            trusted=self.settings.trusted,
            proxy=self.settings.proxy,
            timeout=self.settings.timeout,
        )

    def _known(self, python: str, arch: str) -> tuple[str, str, str]:
        """uv's key, the full version and the address."""
        with installer.work_folder() as folder:
            request = f"cpython-{python}-linux-{arch}-gnu"
            end = installer.run(
                ("python", "list", request, "--only-downloads", "--all-arches", "--output-format", "json"),
                folder=folder,
                env=self._environment(),
            )
        if end.exit_code != 0:
            raise self._failed("uv cannot list interpreters", end.stderr)
        variant = "freethreaded" if python.endswith("t") else "default"
        for row in json.loads(end.stdout or "[]"):
            if (row["arch"], row["variant"], row["implementation"]) == (arch, variant, "cpython"):
                return row["key"], row["version"], bare(row["url"])
        raise CellError.of(
            f"uv knows no standalone Python {python} for {arch}", hint="choose `system` or another version"
        )

    def _install(self, key: str, version: str, url: str, record: Path) -> Pin:
        filename = unquote(urlsplit(url).path).rpartition("/")[2]
        with told_plainly(self.store.root):
            self.store.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".install-", dir=self.store.root) as scratch:
                archive = self._verified_archive(key, Path(scratch))
                size = archive.stat().st_size
                pin = Pin(
                    name="cpython",
                    version=version,
                    filename=filename,
                    url=url,
                    sha256=sha256_of(archive),
                    size=size,
                )
                self.store.place(pin, lambda partial: _moved(archive, partial))
            _write_record(record, pin)
        return pin

    def _verified_archive(self, key: str, scratch: Path) -> Path:
        """Install by uv, which checks the hash, and return the archive that it keeps in its cache."""
        env = self._environment() | {"UV_PYTHON_CACHE_DIR": str(scratch / "archives")}
        with installer.work_folder() as folder:
            end = installer.run(
                ("python", "install", key, "--no-bin", "--install-dir", str(scratch / "installed")),
                folder=folder,
                env=env,
            )
        archives = [path for path in (scratch / "archives").glob("*") if path.is_file()]
        if end.exit_code != 0 or len(archives) != 1:
            raise self._failed(f"the standalone Python {key} did not arrive", end.stderr)
        return archives[0]

    def _environment(self) -> dict[str, str]:
        return uv_settings.environment(self.settings, self.env)

    def _failed(self, what: str, stderr: str) -> EnvbuildError:
        secrets = (*self.settings.secrets, *self.mirror_credentials().secrets)
        causes = [line.partition("cause:")[2].strip() for line in stderr.splitlines() if "cause:" in line]
        reason = causes[-1] if causes else " ".join(stderr.split()).removeprefix("error: ")
        return OutsideError.of(scrub(f"{what}: {reason}", secrets), hint=HINT)


def downloads_json(pin: Pin, url: str) -> bytes:
    """uv's downloads.json (UV_PYTHON_DOWNLOADS_JSON_URL) with this one interpreter, to be found at `url`
    (`file://…`).

    Architecture and variant are read from the archive's name, which is python-build-standalone's:
    `cpython-3.13.1+20250115-aarch64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz`.
    """
    named = ARCHIVE.match(pin.filename)
    if not named:
        raise OutsideError.of(
            f"{pin.filename} is not named like a python-build-standalone archive", hint=HINT
        )
    version = Version(pin.version)
    variant = "freethreaded" if "freethreaded" in pin.filename else None
    suffix = "+freethreaded" if variant else ""
    entry = {
        "name": "cpython",
        "arch": {"family": named["arch"], "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": version.major,
        "minor": version.minor,
        "patch": version.micro,
        "prerelease": named["pre"] or "",
        "url": url,
        "sha256": pin.sha256,
        "variant": variant,
        "build": named["build"],
    }
    key = f"cpython-{version}{suffix}-linux-{named['arch']}-gnu"
    return (json.dumps({key: entry}, indent=1, sort_keys=True) + "\n").encode()


def _moved(archive: Path, partial: Path) -> None:
    archive.replace(partial)


def _recorded(record: Path) -> Pin | None:
    try:
        return Pin(**json.loads(record.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(record: Path, pin: Pin) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    fields = {name: getattr(pin, name) for name in ("name", "version", "filename", "url", "sha256", "size")}
    with tempfile.NamedTemporaryFile("w", dir=record.parent, delete=False) as file:
        json.dump(fields, file, indent=1)
    Path(file.name).replace(record)
