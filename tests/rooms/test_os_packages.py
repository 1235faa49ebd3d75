"""What the templates ask distributions for, held against what was read of their packages' names.

Debian's names are not here: it is built for real.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from builder.facts import OsRow, load
from builder.recipe import write
from tests.golden.cells import cell, matrix

FACTS = load()
TABLE: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("os_packages.yaml").read_text())
SOURCES = TABLE.pop("sources")
ROWS = [row for row in FACTS.os.values() if row.family != "debian"]
WITHOUT_A_LIST = re.compile(r"(?:dnf|yum) .*? install ([a-z]+);")  # before xargs is there


def group(row: OsRow) -> str:
    """The releases that are held to have the same names."""
    return row.name if row.family == "ubuntu" else re.sub(r"^\D+", "rhel", row.name)


def asked(os: str, python: str, provider: str) -> set[str]:
    """The packages that a cell's page and its list name; a devel cell's are a runtime cell's and more."""
    recipe = write(cell(os=os, python=python, provider=provider, flavor="devel"), matrix(), FACTS)
    files = dict(recipe.files)
    listed = set(files["os/packages.txt"].decode().split())
    return listed | set(WITHOUT_A_LIST.findall(files["Dockerfile"].decode()))


def every_name(row: OsRow) -> set[str]:
    """What a release is asked for, whichever its Python."""
    pythons = (row.system_python, *row.extra_python)
    return asked(row.name, "3.11", "standalone").union(*(asked(row.name, one, "system") for one in pythons))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_name_was_read_somewhere(row: OsRow) -> None:
    assert every_name(row) <= set(TABLE[group(row)])


@pytest.mark.parametrize("name", TABLE)
def test_no_name_is_kept_that_nothing_asks_for(name: str) -> None:
    assert set(TABLE[name]) == set().union(*(every_name(row) for row in ROWS if group(row) == name))


def test_every_source_is_named() -> None:
    assert {source for names in TABLE.values() for source in names.values()} == set(SOURCES)
