"""What the templates ask distributions for, held against what was read of their packages' names.

Debian's names are not here: it is built for real. The rest is as far as a source could be had.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.facts import OsRow, load
from builder.recipe import write
from tests.golden.cells import cell, matrix

FACTS = load()
TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("os_packages.yaml").read_text())
ROWS = [row for row in FACTS.os.values() if row.family != "debian"]
SYSTEM = [(row.name, python) for row in ROWS for python in (row.system_python, *row.extra_python)]
WITHOUT_A_LIST = re.compile(r"(?:dnf|yum) .*? install ([a-z]+);")  # before xargs is there


def group(row: OsRow) -> dict[str, Any]:
    """What was read of a release's packages."""
    major = re.search(r"(\d+)", row.name)
    found: dict[str, Any] = TABLE["ubuntu" if row.family == "ubuntu" else f"rhel{major[1] if major else ''}"]
    return found


def asked(os: str, python: str, provider: str) -> set[str]:
    """The packages that a cell's page and its list name."""
    recipe = write(cell(os=os, python=python, provider=provider), matrix(), FACTS)
    files = dict(recipe.files)
    listed = set(files["os/packages.txt"].decode().split())
    return listed | set(WITHOUT_A_LIST.findall(files["Dockerfile"].decode()))


@pytest.mark.parametrize(("os", "python"), SYSTEM)
def test_every_name_was_read_somewhere_or_is_said_to_be_unchecked(os: str, python: str) -> None:
    known = group(FACTS.os[os])
    names = asked(os, python, "system") | asked(os, "3.11", "standalone")
    assert names <= set(known["shipped"]) | set(known["unchecked"])
    assert not names & set(known.get("not_shipped", {}).get(os, ()))


def test_every_source_is_named() -> None:
    told = {source for part in TABLE.values() if "shipped" in part for source in part["shipped"].values()}
    assert told == set(TABLE["sources"])


def test_the_pythons_of_the_rhel_family_were_read() -> None:
    """Their names differ between releases, so guessing is where mistakes would be."""
    for os, python in SYSTEM:
        row = FACTS.os[os]
        if row.family == "rhel" and python in row.extra_python:
            (name,) = (word for word in asked(os, python, "system") if word.startswith("python"))
            assert name in group(row)["shipped"], (os, name)


def test_nothing_is_both() -> None:
    for part in TABLE.values():
        assert not set(part.get("shipped", ())) & set(part.get("unchecked", ()))
