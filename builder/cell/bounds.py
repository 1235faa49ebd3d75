"""Releases that the matrix asks for and that the tables' traps rule out: no resolver can satisfy both."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.cell.circumstances import Circumstances
from builder.cell.rules import NONE, Reasons, minor_of
from builder.cell.values import Reason
from builder.facts import Facts

_LOWER = (">=", ">", "==", "~=")  # with the lowest release that they let through, or the one before
_UPPER = frozenset({"<", "<="})


def contradicted(facts: Facts, around: Circumstances, os: str, torch: str, python: str) -> Reasons:
    """A warning for each requirement that a bound of the tables leaves no release of.

    A requirement with a marker is left to the resolver.
    """
    if not around.wanted:
        return NONE
    reasons = NONE
    for bound in facts.constraints(torch, minor_of(python).rstrip("t"), facts.os[os].glibc):
        limit = Requirement(bound.requirement)
        for text in around.wanted:
            if _apart(Requirement(text), limit):
                message = f"torch {torch} on {os} needs {limit}, and packages.pip asks for {text}"
                reasons += (Reason(rule="bounds", weight="warning", message=message, source=bound.source),)
    return reasons


def _apart(wanted: Requirement, limit: Requirement) -> bool:
    if canonicalize_name(wanted.name) != canonicalize_name(limit.name) or wanted.marker is not None:
        return False
    return all(one.operator in _UPPER for one in limit.specifier) and _begins_above(
        wanted.specifier, limit.specifier
    )


def _begins_above(wanted: SpecifierSet, limit: SpecifierSet) -> bool:
    """Whether even the lowest release wanted is above the limit, so that all are."""
    lowest = (one.version.removesuffix(".*") for one in wanted if one.operator in _LOWER)
    return any(not limit.contains(version, prereleases=True) for version in lowest)
