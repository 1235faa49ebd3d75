"""`host[:port]/path[:tag][@digest]`, read as Docker reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.errors import EnvbuildError, InputError
from builder.names import TAG

HUB = "docker.io"
LONGEST = 255  # characters of a path; registries take no more
_WORD = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
PATH = re.compile(rf"{_WORD}(?:/{_WORD})*")
HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
FORM = "write it as HOST[:PORT]/PATH[:TAG][@sha256:DIGEST], for example registry.example.org/team/torch:2.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a user wrote, in full: `debian` is `docker.io/library/debian`."""

    host: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """`host/path`."""
        return f"{self.host}/{self.path}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.repository + tag + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Read a reference. Raises `InputError` for what Docker would not take, with a hint."""
    if "://" in text:
        raise _wrong(text, "leave https:// out: a reference begins with the registry's host")
    rest, at, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # that colon stood before a port
        name, colon, tag = rest, "", ""
    host, slash, path = name.partition("/")
    if not slash and tag.isdigit() and "." in name:
        raise _wrong(text, f"name a repository in it, too: {text}/PATH")
    if not slash or not (re.search(r"[.:A-Z]", host) or host == "localhost"):
        host, path = HUB, name
    if host in (HUB, f"index.{HUB}"):
        host, path = HUB, path if "/" in path else f"library/{path}"
    if (colon and not TAG.fullmatch(tag)) or (at and not DIGEST.fullmatch(digest)):
        raise _wrong(text, "a tag has up to 128 of A-Z a-z 0-9 _ . -, a digest is sha256: and 64 hex digits")
    if not HOST.fullmatch(host) or not PATH.fullmatch(path) or len(path) > LONGEST:
        raise _wrong(text, "write the path in lower case" if PATH.fullmatch(path.lower()) else FORM)
    return Reference(host=host, path=path, tag=tag or None, digest=digest or None)


def checked_host(host: str) -> str:
    """A registry's host and port, as they may stand in an address. Raises `InputError` for anything else."""
    port = re.search(r":([0-9]+)$", host)
    if not HOST.fullmatch(host) or (port and int(port[1]) > 65535):
        raise _wrong(host, "a registry is HOST or HOST:PORT, without https:// and without a path")
    return HUB if host == f"index.{HUB}" else host


def checked_path(path: str) -> str:
    """A path in a registry, as it may stand in an address. Raises `InputError` for anything else."""
    if not PATH.fullmatch(path) or len(path) > LONGEST:
        raise _wrong(path, "a path is lower case words with . _ - within and / between them")
    return path


def checked_digest(digest: str) -> str:
    """A digest that this room can check. Raises `InputError` for anything else."""
    if not DIGEST.fullmatch(digest):
        raise _wrong(digest, "a digest is sha256: and 64 hex digits")
    return digest


def checked_reference(reference: str) -> str:
    """A tag or a digest, as it may stand in an address. Raises `InputError` for anything else."""
    return reference if TAG.fullmatch(reference) else checked_digest(reference)


def _wrong(text: str, hint: str) -> EnvbuildError:
    return InputError.of(f"{text!r} is no name in a registry", hint=hint)
