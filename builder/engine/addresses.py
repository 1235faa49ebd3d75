"""Addresses of engines: what a message may show of them, and the certificates that go with one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.errors import OutsideError

FILES = ("ca.pem", "cert.pem", "key.pem")
SOCKETS = ("unix://", "http+unix://", "npipe://")


def tls(url: str, environ: Mapping[str, str]) -> Any:
    """What DOCKER_TLS_VERIFY and DOCKER_CERT_PATH ask for, or None; they are about TCP alone.

    Raises `OutsideError` when the certificates are not where they should be.
    """
    from docker.errors import TLSParameterError  # noqa: PLC0415
    from docker.utils import kwargs_from_env  # noqa: PLC0415

    if url.startswith(SOCKETS):
        return None
    try:
        return kwargs_from_env(dict(environ)).get("tls")
    except TLSParameterError as error:
        raise _no_certificates(url, environ) from error


def _no_certificates(url: str, environ: Mapping[str, str]) -> OutsideError:
    folder = Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    missing = ", ".join(name for name in FILES if not (folder / name).is_file())
    error = OutsideError.of(
        f"no secure connection to the container engine at {shown(url)}: {folder} has no {missing}",
        hint=f"set DOCKER_CERT_PATH to the folder with {', '.join(FILES)}, "
        "or unset it and DOCKER_TLS_VERIFY for an engine without TLS",
    )
    assert isinstance(error, OutsideError)  # noqa: S101  # `of` is typed for the base class
    return error


def shown(url: str) -> str:
    """The address without the name and password that may stand in it."""
    if url.startswith(SOCKETS):
        return url  # a path, where @ means nothing
    return re.sub(r"^([^/]*//)?.*@", r"\1***@", url, flags=re.DOTALL)


def unsupported(url: str) -> str | None:
    """Why envbuild cannot use addresses of this form here, or None."""
    if url.startswith("ssh://"):
        return "engines behind ssh:// are not supported"
    if url.startswith("npipe://") and os.name != "nt":
        return "addresses of the form npipe:// are not supported on this system"
    user = "" if url.startswith(SOCKETS) else re.sub(r"^[^/]*//", "", url).rpartition("@")[0]
    if set("/?#") & set(user):  # or the start of a password is taken for a host or a port, and told
        return "the name or password in it has a /, ? or #, which an address writes as %2F, %3F, %23"
    return None
