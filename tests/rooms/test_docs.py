"""What the docs name in this repository is there: tests, and the rooms that keep a promise."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SECURITY = (ROOT / "docs/security.md").read_text()
PATH = re.compile(r"\btests/[\w/.-]*\w")
LINK = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/.]+)\)")


@cache
def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def cells(column: str) -> list[str]:
    """What stands in the columns of that name in the security model's tables."""
    found: list[str] = []
    for table in re.findall(r"(?:^\|.*\n)+", SECURITY, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
        found += [row[head.index(column)] for row in rows if column in head]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page):
    text = page.read_text()
    assert [path for path in PATH.findall(text) if not (ROOT / path).exists()] == []
    assert [link for link in LINK.findall(text) if link[0] not in functions(ROOT / link[1])] == []


def test_every_claim_of_the_security_model_names_a_test():
    shown = cells("shown by")
    assert len(shown) > 30
    assert [cell for cell in shown if not PATH.search(cell)] == []


def test_every_room_of_the_security_model_is_there():
    named = {room for cell in cells("kept by") for room in re.findall(r"`([\w./]+)`", cell)}
    assert len(named) > 15
    for room in named:
        places = (ROOT / room, ROOT / "builder" / room, ROOT / "builder" / f"{room}.py")
        assert any(place.exists() for place in places), room
