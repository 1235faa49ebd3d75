"""What the environment's Python wrote → distributions with their licences, and the interpreter."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.lock.decoding import DecodeError, decode
from builder.papers.values import Package, odd

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
VERSION = re.compile(r"[!-~]{1,100}")
LONGEST = 200  # characters of an SPDX expression; whole licences stand in that field, too
CLASSIFIER = "License :: "
UNTOLD = ("", "UNKNOWN")  # what setuptools wrote for want of a licence


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """One distribution in its own words, and the folder or file that they stand in."""

    at: str
    name: str
    version: str
    expression: str
    licence: str
    classifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The whole answer of `listing_script`."""

    implementation: str
    version: str
    distributions: tuple[Metadata, ...]


def read(text: str) -> tuple[Package, tuple[Package, ...]]:
    """The interpreter, and the distributions sorted by name. Raises `CellError` where one has no name."""
    try:
        told = decode(Told, json.loads(text))
    except (ValueError, RecursionError, DecodeError) as error:
        raise odd(f"its Python answers something else: {text[-100:]!a}") from error
    _plain(told.implementation, told.version, "the interpreter")
    name = told.implementation
    interpreter = Package(name=canonicalize_name(name), spelled=name, version=told.version)
    # Metadata that stand there twice, under two spellings, are one distribution.
    found = {(one.name, one.version): one for one in map(_distribution, told.distributions)}
    return interpreter, tuple(found[key] for key in sorted(found))


def normalized(version: str) -> str:
    """A version as pip shows it, whatever its metadata write: `2024.07.04` is `2024.7.4`."""
    try:
        return str(Version(version))
    except ValueError:
        return version


def _distribution(told: Metadata) -> Package:
    _plain(told.name, told.version, told.at)
    expression, licence = _licence(told)
    return Package(
        name=canonicalize_name(told.name),
        spelled=told.name,
        version=normalized(told.version),
        expression=expression,
        licence=licence,
    )


def _plain(name: str, version: str, where: str) -> None:
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
        told = f"{name[:100]!a} {version[:100]!a}"
        raise odd(f"{where[-200:]!a} has no plain name and version, but {told}")


def _licence(told: Metadata) -> tuple[str, str]:
    """The SPDX expression, if one is told, and else what is told: a text, or the classifiers' names."""
    expression = _expression(told.expression) or _expression(told.licence)
    if expression:
        return expression, ""
    names = sorted({one.rpartition(" :: ")[2] for one in told.classifiers if one.startswith(CLASSIFIER)})
    said = (_clean(text) for text in (told.expression, told.licence, ", ".join(names)))
    return "", next((text for text in said if text not in UNTOLD), "")


def _expression(text: str) -> str:
    """The canonical form of an SPDX expression, or nothing. One with names of its own is no expression here,
    for nobody tells what they mean.
    """
    if not text or len(text) > LONGEST or "licenseref" in text.lower():
        return ""
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return ""


def _clean(text: str) -> str:
    """Lines of printable characters, without the margin that continued lines have."""
    first, _, rest = text.strip().partition("\n")
    lines = (first, *textwrap.dedent(rest).splitlines())
    plain = ("".join(each if each.isprintable() else " " for each in line).rstrip() for line in lines)
    return "\n".join(plain).strip()
