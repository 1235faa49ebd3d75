"""Whatever answers at an address and is no container engine → that, in plain words."""

from __future__ import annotations

from http.client import HTTPException, RemoteDisconnected

from builder.engine.addresses import shown
from builder.engine.refusals import PASSWORD, causes, root_cause

STRANGER = "what answers there is no container engine"


def why_none(error: Exception, url: str) -> str:
    """Why asking for the version at `url` ended in `error`, without the name and password of the address."""
    if any(_strange(each) for each in causes(error)):
        return STRANGER
    return PASSWORD.sub("***@", root_cause(error).replace(url.strip(), shown(url.strip())))


def _strange(error: BaseException) -> bool:
    """Whether it speaks no HTTP, has no page for the version, or answers with anything but JSON with one."""
    import docker.errors  # noqa: PLC0415
    import requests  # noqa: PLC0415

    if isinstance(error, docker.errors.APIError):
        words = str(error.explanation or "").lstrip().lower()
        return error.status_code == 404 or words.startswith(("<!doctype", "<html"))
    if isinstance(error, RemoteDisconnected):  # an engine that has just been stopped hangs up, too
        return False
    return isinstance(error, (HTTPException, requests.exceptions.JSONDecodeError, KeyError, TypeError))
