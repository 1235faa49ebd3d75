"""Requirements as PEP 508 has them: name, extras, range, and markers evaluated for this Python."""

import os
import platform
import re
import sys
from typing import FrozenSet, NamedTuple

from inside import versions
from inside.installed import normalized

HEAD = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*")
TOKEN = re.compile(r"\s*(\(|\)|'[^']*'|\"[^\"]*\"|===|==|~=|!=|<=|>=|<|>|[A-Za-z_.][A-Za-z0-9_.]*)")
ORDER = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
ORDER.update({">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "===": lambda a, b: a == b})


class Requirement(NamedTuple):
    """What a distribution asks for."""

    name: str
    extras: FrozenSet[str]
    ranges: str
    marker: str


def parsed(text):
    """The requirement that the text spells. Raises ValueError."""
    head = HEAD.match(text)
    if head is None:
        raise ValueError("%r is not a requirement" % text)
    name, extras = head.group(1), head.group(2) or ""
    rest, _, marker = text[head.end() :].partition(";")
    rest = rest.strip()
    if rest.startswith("@"):  # a direct reference: any version will do
        rest, _, marker = text[head.end() :].partition(" ;")
        rest = ""
    elif rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    names = frozenset(normalized(extra.strip()) for extra in extras.split(",") if extra.strip())
    return Requirement(normalized(name), names, rest.strip(), marker.strip())


def surroundings():
    """The variables that markers speak of, for this interpreter."""
    whole = "%d.%d.%d" % sys.implementation.version[:3]
    kind = sys.implementation.version.releaselevel
    if kind != "final":
        whole += kind[0] + str(sys.implementation.version.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": whole,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
        "extra": "",
    }


class Marker:
    """Evaluates one marker: `or` of `and`s of comparisons and parentheses."""

    def __init__(self, text, variables):
        self.variables = variables
        self.tokens, place = [], 0
        while text[place:].strip():
            match = TOKEN.match(text, place)
            if match is None:
                raise ValueError("cannot read the marker %r" % text)
            self.tokens.append(match.group(1))
            place = match.end()

    def holds(self):
        """Whether the marker is true."""
        truth = self._any()
        if self.tokens:
            raise ValueError("the marker goes on after its end: %s" % " ".join(self.tokens))
        return truth

    def _next(self):
        if not self.tokens:
            raise ValueError("the marker ends too early")
        return self.tokens.pop(0)

    def _any(self):
        truth = self._all()
        while self.tokens[:1] == ["or"]:
            self._next()
            truth = self._all() or truth
        return truth

    def _all(self):
        truth = self._one()
        while self.tokens[:1] == ["and"]:
            self._next()
            truth = self._one() and truth
        return truth

    def _one(self):
        if self.tokens[:1] == ["("]:
            self._next()
            truth = self._any()
            if self._next() != ")":
                raise ValueError("a parenthesis is not closed")
            return truth
        left, operator = self._next(), self._next()
        if operator == "not":
            operator += " " + self._next()
        right = self._next()
        return compare(self._value(left), operator, self._value(right), "extra" in (left, right))

    def _value(self, token):
        if token[0] in "'\"":
            return token[1:-1]
        name = token.replace("os.name", "os_name").replace("sys.platform", "sys_platform")
        if name not in self.variables:
            raise ValueError("a marker asks for %s" % token)
        return self.variables[name]


def compare(left, operator, right, extra=False):
    """One comparison: as versions where the right side is one, otherwise as text."""
    if extra:
        left, right = normalized(left), normalized(right)
    if operator in ("in", "not in"):
        return (left in right) == (operator == "in")
    if not extra:
        try:
            return versions.matches(left, operator + right)
        except ValueError:
            pass
    if operator not in ORDER:
        raise ValueError("%r cannot be compared by %s" % (left, operator))
    return ORDER[operator](left, right)


def applies(requirement, extra=""):
    """Whether the requirement counts here, when the extra is asked for. Raises ValueError."""
    if not requirement.marker:
        return True
    return Marker(requirement.marker, dict(surroundings(), extra=extra)).holds()
