"""The Debian mirror of this machine, as apt is configured here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PUBLIC = "http://deb.debian.org/debian"
PUBLIC_SECURITY = "http://deb.debian.org/debian-security"
RELEASES = "buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable"
SUITE = re.compile(rf"(?:{RELEASES})(?P<pocket>-security|/updates|-updates|-backports|-proposed-updates)?")
ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)"
)
PASSED_ON = (
    "Acquire::http",
    "Acquire::https",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Retries",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One source that apt is configured with."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where this machine gets Debian from: the archive, and security updates."""

    archive: str
    security: str


def configured(env: Mapping[str, str], folder: Path = Path("/etc/apt")) -> Mirror:
    """ENVBUILD_DEBIAN_MIRROR if it is set, else what apt's sources name, else Debian's public mirror.

    With ENVBUILD_DEBIAN_MIRROR, security updates are looked for beside it (`…/debian` → `…/debian-security`).
    """
    told = env.get("ENVBUILD_DEBIAN_MIRROR", "").rstrip("/")
    if told:
        return Mirror(archive=told, security=told + "-security")
    archive = security = None
    for entry in _entries(folder):
        if "main" not in entry.components or not entry.uri.startswith(
            ("http://", "https://", "file:", "copy:")
        ):
            continue
        for suite in entry.suites:
            found = SUITE.fullmatch(suite)
            if found and found["pocket"] in ("-security", "/updates"):
                security = security or entry.uri
            elif found:
                archive = archive or entry.uri
    return Mirror(
        archive=archive or PUBLIC,
        security=security or (PUBLIC_SECURITY if archive is None else archive + "-security"),
    )


def apt_options() -> tuple[str, ...]:
    """apt's settings here that say how to reach a mirror: proxies, certificates, lagging dates."""
    return tuple(line for line in _apt_config() if line.startswith(PASSED_ON))


def checks_dates() -> bool:
    """False where this machine's apt accepts an outdated mirror (`Acquire::Check-Valid-Until "false"`): apt
    inside a build must then be told the same, or it refuses that mirror.
    """
    return not any(
        re.match(r'Acquire::Check-Valid-Until "(?:false|no|0|off)"', line) for line in _apt_config()
    )


def _apt_config() -> Iterable[str]:
    try:
        end = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return ()
    return end.stdout.splitlines()


def _entries(folder: Path) -> Iterator[Entry]:
    """Every `deb` source, in apt's order: sources.list, then sources.list.d by name."""
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".list":
            yield from _one_line_entries(text)
        elif path.suffix == ".sources":
            yield from _deb822_entries(text)


def _one_line_entries(text: str) -> Iterator[Entry]:
    """`deb [options] URI suite components…`."""
    for line in text.splitlines():
        found = ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if found:
            components = tuple(found["components"].split())
            yield Entry(uri=found["uri"].rstrip("/"), suites=(found["suite"],), components=components)


def _deb822_entries(text: str) -> Iterator[Entry]:
    """Paragraphs of `Field: value`; a value goes on in lines that begin with a space."""
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", plain):
        fields = {
            found["name"].lower(): found["value"].split()
            for found in re.finditer(
                r"^(?P<name>[\w-]+):(?P<value>.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE
            )
        }
        off = fields.get("enabled", ["yes"])[:1] in (["no"], ["false"], ["0"])
        if "deb" not in fields.get("types", []) or off:
            continue
        for uri in fields.get("uris", []):
            suites, components = tuple(fields.get("suites", [])), tuple(fields.get("components", []))
            yield Entry(uri=uri.rstrip("/"), suites=suites, components=components)
