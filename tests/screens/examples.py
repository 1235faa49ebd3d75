"""The examples in docs: each command is typed in, and its screen stands below it.

A block that says where it is done (`console inside`) is another test's: tests/real/test_air_gap.py.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from builder import facts
from tests.screens.screens import ROOT, prepared, typed_in

PAGE = ROOT / "docs/cli.md"
PAGES = (PAGE, ROOT / "docs/air-gap.md")
CONSOLE = re.compile(r"(?<=```console\n)\$ envbuild (.*)\n(?:.*\n)*?(?=```\n)")
FILES = re.compile(r"[Ww]ith this `(\S+)`,\n\n```yaml\n(.*?)```", re.DOTALL)
# What these show depends on an engine or a registry, but for a dry run, or on what this machine has.
REGISTRY = ("publish ", "show ", "pull-check ")
ENGINE = ("report --compare", "up ", "verify ", "build ", "fetch ", "reproduce ", "cache ", *REGISTRY)


def fresh(page: str) -> str:
    """The page with the screens as they are today; those of commands that need an engine are left alone."""
    with tempfile.TemporaryDirectory() as name, prepared(Path(name)) as folder:
        for file, text in FILES.findall(page):
            (folder / file).write_text(text)
        return CONSOLE.sub(lambda found: _screen(found, folder), page)


def undated(page: str) -> str:
    """The tables get newer without the page being wrong."""
    return page.replace(facts.load().date, "TABLES-DATE")


def _screen(found: re.Match[str], folder: Path) -> str:
    typed = found[1]
    if typed.startswith(ENGINE) and "--dry-run" not in typed:
        return found[0]
    _, out, err = typed_in(typed, folder, None)
    return f"$ envbuild {typed}\n{out}{err}"
