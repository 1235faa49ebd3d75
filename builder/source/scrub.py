"""Text and addresses without the credentials that stood in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit, urlunsplit

USER_INFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"`<>]*@")


def bare(url: str) -> str:
    """The same address without user, password and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


def shown(url: str) -> str:
    """An address for messages: no credential, and no query, because signed links carry theirs there."""
    return bare(url).partition("?")[0]


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the user info of any address in it, and with `***` for every secret."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return USER_INFO.sub(lambda found: found["scheme"], text)


def secrets_of(urls: Iterable[str]) -> tuple[str, ...]:
    """What must not be shown of `urls`, as written and decoded: passwords, and users alone (tokens are)."""
    found: set[str] = set()
    for url in urls:
        user, colon, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
        secret = password if colon and password else user
        found |= {secret, unquote(secret)} - {""}
    return tuple(sorted(found))
