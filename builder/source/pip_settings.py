"""pip's own configuration, as pip itself tells it, read into `Settings`.

pip's files, their order and its variables are pip's business: `pip config list` merges them. What is left to
do is pip's rule between sections: the command's over `global`, `:env:` over both.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from builder.source.settings import Settings

SECTIONS = ("global", "download", "install", ":env:")  # later wins
TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})  # pip's strtobool


def read(env: Mapping[str, str]) -> Settings:
    """What pip would use here, seeing the environment `env`; defaults where there is no pip."""
    for command in _pips():
        told = _config_list(command, env)
        if told is not None:
            return parse(told)
    return Settings()


def parse(listing: str) -> Settings:
    """`pip config list` output → settings. Values may hold several entries, apart by spaces or newlines."""
    values = _values(listing)
    return Settings(
        index=_stripped(values.get("index-url")),
        extra_indexes=_entries(values, "extra-index-url"),
        find_links=tuple(_located(one) for one in _entries(values, "find-links")),
        no_index=values.get("no-index", "").strip().lower() in TRUE,
        cert=_path(values.get("cert")),
        client_cert=_path(values.get("client-cert")),
        trusted=_entries(values, "trusted-host"),
        proxy=_proxy(values.get("proxy")),
        timeout=_seconds(values.get("timeout") or values.get("default-timeout")),
    )


def _pips() -> Iterator[tuple[str, ...]]:
    """Ways to run pip, nearest first: a virtual environment made by uv has none of its own."""
    yield sys.executable, "-m", "pip"
    for name, arguments in (("pip", ()), ("pip3", ()), ("python3", ("-m", "pip"))):
        found = shutil.which(name)
        if found:
            yield found, *arguments


def _config_list(command: tuple[str, ...], env: Mapping[str, str]) -> str | None:
    """pip's listing, or None where this pip does not run."""
    try:
        end = subprocess.run(
            [*command, "config", "list"],
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return end.stdout if end.returncode == 0 else None


def _values(listing: str) -> dict[str, str]:
    """Option → value, by pip's precedence between sections."""
    sections: dict[str, dict[str, str]] = {name: {} for name in SECTIONS}
    for line in listing.splitlines():
        name, equals, literal = line.partition("=")
        section, _, option = name.rpartition(".")
        if equals and section in sections:
            sections[section][option] = _literal(literal)
    return {option: value for section in SECTIONS for option, value in sections[section].items()}


def _literal(text: str) -> str:
    """pip prints values as Python literals."""
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _entries(values: Mapping[str, str], option: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values.get(option, "").split()))


def _stripped(value: str | None) -> str | None:
    return value.strip() or None if value else None


def _path(value: str | None) -> str | None:
    return str(Path(value.strip()).expanduser().absolute()) if value and value.strip() else None


def _located(entry: str) -> str:
    """A find-links entry as an address: uv runs in another folder, and its lists end at spaces and commas."""
    return (
        entry if "://" in entry or entry.startswith("file:") else Path(entry).expanduser().absolute().as_uri()
    )


def _proxy(value: str | None) -> str | None:
    """pip accepts `user:password@host:port` without a scheme."""
    if not value or not value.strip():
        return None
    return value.strip() if "://" in value else "http://" + value.strip()


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
