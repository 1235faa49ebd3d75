"""What a standalone Python tells about the machine that it was built on, told anew for where it lies now.

Extensions are compiled with these words. uv corrects the same files when it installs such a Python
(crates/uv-python/src/sysconfig in its repository), after sysconfigpatcher.
"""

from __future__ import annotations

import ast
import json
import re

BUILT_AT = "/install"  # the prefix of every python-build-standalone build
COMPILERS = {"CC", "CXX", "BLDSHARED", "LDSHARED", "LDCXXSHARED", "LINKCC"}
C = re.compile(r"(?:.*[/-])?(?:clang|gcc)(?:-\d+)?$")
CXX = re.compile(r"(?:.*[/-])?(?:clang\+\+|g\+\+)(?:-\d+)?$")
WITHIN = re.compile(rf"(?P<flag>-[IL]|-Wl,-rpath,)?{BUILT_AT}(?P<rest>/.*)?")
PREFIX = re.compile(rb"^([A-Za-z]+)=" + BUILT_AT.encode() + rb"$", re.MULTILINE)


def sysconfig(content: bytes, prefix: str) -> bytes:
    """`_sysconfigdata_….py` for a Python at `prefix`: its variables sorted, compilers by their usual names.

    What is not the usual literal is left as it is.
    """
    try:
        assigned = [node for node in ast.parse(content).body if isinstance(node, ast.Assign)]
        variables = ast.literal_eval(assigned[0].value) if len(assigned) == 1 else None
    except (SyntaxError, ValueError):
        return content
    if not isinstance(variables, dict):
        return content
    told = {name: _told(name, value, prefix) for name, value in variables.items()}
    rows = [f"    {json.dumps(name)}: {value!r},\n" for name, value in sorted(told.items())]
    return ("build_time_vars = {\n" + "".join(rows) + "}\n").encode()


def pkgconfig(content: bytes) -> bytes:
    """A `.pc` file whose prefix is where it lies."""
    return PREFIX.sub(rb"\1=${pcfiledir}/../..", content)


def _told(name: str, value: object, prefix: str) -> object:
    if not isinstance(value, str):
        return value
    if name == "AR":
        return "ar"
    return " ".join(_word(name, word, prefix) for word in value.split())


def _word(name: str, word: str, prefix: str) -> str:
    if within := WITHIN.fullmatch(word):
        return (within["flag"] or "") + prefix + (within["rest"] or "")
    if name in COMPILERS and CXX.match(word):
        return "c++"
    if name in COMPILERS and C.match(word):
        return "cc"
    return word
