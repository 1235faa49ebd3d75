"""Programs of an environment: those that entry points ask for, and those that a wheel brings along."""

from __future__ import annotations

import configparser
import re

from builder.errors import CellError

SECTIONS = ("console_scripts", "gui_scripts")  # alike on Linux
MARK = b"#!python"  # what a wheel writes in the place of the environment's Python
DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
OBJECT = re.compile(rf"(?P<module>{DOTTED})\s*:\s*(?P<name>{DOTTED})\s*(?:\[.*\])?")
HINT = "https://packaging.python.org/specifications/entry-points has the form"

TEXT = """\
#!{python}
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({name}())
"""


def made(entry_points: bytes, python: str, wheel: str) -> dict[str, bytes]:
    """Name → script for every entry point of `entry_points.txt`; extras do not count, as with pip.

    Raises `CellError` where one is not what a program can be made of: names and objects end in a path and in
    code.
    """
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment]  # names keep their case; the documented way
    try:
        parser.read_string(entry_points.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise CellError.of(
            f"{wheel} cannot be used: its entry points cannot be read: {error}", hint=HINT
        ) from error
    found = [pair for section in SECTIONS if parser.has_section(section) for pair in parser.items(section)]
    return {name: _script(name, value, python, wheel) for name, value in found}


def _script(name: str, value: str, python: str, wheel: str) -> bytes:
    called = OBJECT.fullmatch(value.strip())
    if not called or "/" in name or name in ("", ".", "..") or not name.isprintable():
        raise CellError.of(f"{wheel} cannot be used: no program can be made of {name} = {value}", hint=HINT)
    first = called["name"].partition(".")[0]
    return TEXT.format(python=python, module=called["module"], first=first, name=called["name"]).encode()


def redirected(content: bytes, python: str) -> bytes:
    """A script that begins with `#!python` (or `#!pythonw`), begun with the environment's Python instead."""
    first, end, rest = content.partition(b"\n")
    options = first.removeprefix(MARK).removeprefix(b"w")
    return b"#!" + python.encode() + options + end + rest
