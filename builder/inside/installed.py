"""What is installed: read from the metadata folders on sys.path, the same way on every Python."""

import os
import re
import sys
from email.parser import HeaderParser
from typing import List, NamedTuple


class Distribution(NamedTuple):
    """One installed distribution: normalized name, version, requirements, where its metadata is."""

    name: str
    version: str
    requires: List[str]
    python: str  # Requires-Python, or ""
    path: str


def normalized(name):
    """The one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def metadata_file(path):
    """Where the headers are in an installed distribution: a folder, or for old ones a file."""
    if os.path.isfile(path):
        return path
    return os.path.join(path, "METADATA" if path.endswith(".dist-info") else "PKG-INFO")


def old_requirements(path):
    """The requirements that an .egg-info folder keeps in its own file; sections are extras or markers."""
    lines, condition = [], ""
    try:
        with open(os.path.join(path, "requires.txt")) as stream:
            text = stream.read()
    except OSError:
        return []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            parts = (["extra == '%s'" % extra] if extra else []) + (["(%s)" % marker] if marker else [])
            condition = " and ".join(parts)
        elif line and not line.startswith("#"):
            lines.append("%s ; %s" % (line, condition) if condition else line)
    return lines


def read(path):
    """The distribution at that path, or None if its metadata cannot be read or has no name."""
    try:
        with open(metadata_file(path), encoding="utf-8", errors="replace") as stream:
            headers = HeaderParser().parse(stream)
    except OSError:
        return None
    if not headers.get("Name") or not headers.get("Version"):
        return None
    requires = headers.get_all("Requires-Dist") or old_requirements(path)
    python = headers.get("Requires-Python") or ""
    return Distribution(normalized(headers["Name"]), headers["Version"].strip(), list(requires), python, path)


def folders():
    """The folders that Python imports from, each once, the verifier's own file left out."""
    seen = []
    for entry in sys.path:
        path = os.path.realpath(entry or ".")
        if entry and os.path.isdir(path) and path not in seen:
            seen.append(path)
    return seen


def everything():
    """(distributions by name, complaints): the first on sys.path counts, two in one folder are wrong."""
    found, complaints = {}, []
    for folder in folders():
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            path = os.path.join(folder, name)
            one = read(path)
            if one is None:
                complaints.append("%s has no readable metadata" % path)
            elif one.name not in found:
                found[one.name] = one
            elif os.path.dirname(found[one.name].path) == folder:
                complaints.append(
                    "%s is there twice: %s and %s" % (one.name, found[one.name].version, one.version)
                )
    return found, complaints
