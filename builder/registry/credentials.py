"""The user's credentials for one registry, from where `docker login` and `podman login` keep them."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import InputError, OutsideError
from builder.registry.names import HUB
from builder.registry.retrying import RefusedError

HELPER_SECONDS = 120.0  # it may ask the user, or a cloud
HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", HUB, f"registry-1.{HUB}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """User and password, or one of the two kinds of token that stand for them. Never shown."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)  # changed for another token by the registry's token service
    bearer: str = field(default="", repr=False)  # sent to the registry as it is

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown."""
        basic = self.basic.removeprefix("Basic ") if self.password else ""
        return frozenset({self.password, self.identity, self.bearer, basic} - {""})


def for_engine(host: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The login for `host` by the names that engines know; empty where there is none. Raises `InputError` for
    a file that cannot be read, `OutsideError` for a credential helper that fails.
    """
    try:
        login = find(host, environ)
    except RefusedError as error:
        raise OutsideError.of(str(error), hint=error.hint) from error
    if login is None:
        return {}
    given = {
        "username": login.user,
        "password": login.password,
        "identitytoken": login.identity,
        "registrytoken": login.bearer,
    }
    # Docker takes the Hub's credentials under its old name.
    server = HUB_KEYS[0] if host == HUB else host
    return {"serveraddress": server, **{name: text for name, text in given.items() if text}}


def find(host: str, environ: Mapping[str, str]) -> Login | None:
    """The login for `host` (no other's is looked at), or None where no file has one.

    `REGISTRY_AUTH_FILE` alone where it is set; else Docker's config.json (`DOCKER_CONFIG`, or ~/.docker),
    then Podman's auth.json. Raises `InputError` for a file that cannot be read, and `RefusedError` for a
    credential helper that fails.
    """
    for path in _files(environ):
        if path.is_file():
            found = _of(_read(path), path, host, environ)
            if found:
                return found
    return None


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("REGISTRY_AUTH_FILE"):
        yield Path(environ["REGISTRY_AUTH_FILE"])
        return
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if environ.get("XDG_RUNTIME_DIR"):
        yield Path(environ["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError):  # its words could hold what stands in the file
        read = None
    if not isinstance(read, dict):
        raise InputError.of(
            f"the credentials in {path} cannot be read", hint="it must be a JSON file that you may read"
        )
    return read


def _of(read: Mapping[str, Any], path: Path, host: str, environ: Mapping[str, str]) -> Login | None:
    keys = HUB_KEYS if host == HUB else (host,)
    programs = _mapping(read.get("credHelpers"))
    own = next((str(programs[key]) for key in keys if programs.get(key)), None)
    name = own or read.get("credsStore")
    if name:
        found = _ask(str(name), keys[0], environ)
        if found or own:
            return found
    entries = _mapping(read.get("auths"))
    for key in keys:
        for written in (key, f"https://{key}", f"https://{key}/", f"https://{key}/v1/", f"https://{key}/v2/"):
            login = _entry(_mapping(entries.get(written)), path)
            if login:
                return login
    return None


def _entry(entry: Mapping[str, Any], path: Path) -> Login | None:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            user, _, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise InputError.of(f"an `auth` in {path} is no base64", hint="log in again") from None
    login = Login(
        user=user,
        password=password.rstrip("\0"),
        identity=str(entry.get("identitytoken") or ""),
        bearer=str(entry.get("registrytoken") or ""),
    )
    return login if login.secrets else None


def _ask(name: str, server: str, environ: Mapping[str, str]) -> Login | None:
    """What the credential helper of that name knows. What it prints may be secret, and is never shown."""
    program = f"docker-credential-{name}"
    found = shutil.which(program, path=environ.get("PATH")) if re.fullmatch(r"[\w.-]+", name) else None
    if found is None:
        raise RefusedError(f"the credential helper {program!r} is not there", "install it, or log in without")
    try:
        ran = subprocess.run(
            [found, "get"],
            check=False,
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            env=dict(environ),
        )
        if ran.returncode and b"credentials not found" in ran.stdout + ran.stderr:
            return None
        told = json.loads(ran.stdout) if ran.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        told = None
    if not isinstance(told, dict):
        raise RefusedError(
            f"the credential helper {program} failed", f"try it: echo {server} | {program} get"
        )
    user, secret = str(told.get("Username") or ""), str(told.get("Secret") or "")
    login = Login(identity=secret) if user == "<token>" else Login(user=user, password=secret)
    return login if login.secrets else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
