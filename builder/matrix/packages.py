"""Rules for what is to be installed: pip requirements and the distribution's packages."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.matrix.spelling import WordError
from builder.yamldoc import shown

# Names of Debian and RPM, without what apt and dnf read as a wish: a final '-' removes, '@' is a group.
_SYSTEM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9+._-]{0,100}[A-Za-z0-9+])?")
_URL = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]{0,20}://")
_LOCAL = re.compile(r"[./~\\]|[A-Za-z]:\\|file:|[^@]*(\.whl|\.tar\.gz|\.zip)$")


def pip_requirement(text: str) -> str:
    """A requirement in its canonical spelling; no option, no local path, no URL."""
    text = text.strip()
    if text.startswith("-"):
        hint = "list requirements only; indexes come from pip's settings"
        raise WordError(f"'{_unasked(text)}' is an option", hint)
    if _URL.match(text):
        raise _url_refused("a package", text)
    if _LOCAL.match(text):
        hint = "a build sees no folder of this machine; name a package of an index"
        raise WordError(f"'{shown(text)}' is a local path", hint)
    if "$" in text:
        raise WordError(f"'{_unasked(text)}' holds a '$'", "write it out; variables are not expanded")
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        hint = "write it as in requirements.txt, for example numpy>=1.26,<3"
        raise WordError(f"'{_unasked(text)}' is not a requirement", hint) from None
    if canonicalize_name(requirement.name) == "torch":
        raise WordError("torch is not listed here", "the torch and cuda axes say which torch is installed")
    if requirement.url is not None:
        raise _url_refused(requirement.name, requirement.url)
    return str(requirement)


def system_package(text: str) -> str:
    """The name of a package of the distribution."""
    if _SYSTEM.fullmatch(text):
        return text
    hint = "write the name alone, as apt or dnf show it"
    if text.startswith("-"):
        hint = "options are not passed on; write the name alone"
    elif "=" in text:
        hint = "the distribution chooses the version; write the name alone"
    elif text.endswith("-"):
        hint = "apt would remove it; write the name alone"
    raise WordError(f"'{shown(text)}' is not the name of a system package", hint)


def _url_refused(name: str, url: str) -> WordError:
    """The mistake; the URL is not repeated, because it may hold a credential and messages end up in logs."""
    if "@" in url or "?" in url:
        hint = "name the package alone; credentials for its index go into pip's settings or ~/.netrc"
        return WordError(f"{name} is asked for by a URL that may hold a credential", hint)
    hint = "write its name, and serve the wheel from an index or a find-links folder in pip's settings"
    return WordError(f"{name} is asked for by a URL", hint)


def _unasked(text: str) -> str:
    """For messages, which end up in logs: without the query of a URL, which may be a signature."""
    return shown(re.sub(r"\?\S*", "?…", text))
