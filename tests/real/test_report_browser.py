"""The page in a real browser: filters, deep links, numbers, nothing fetched, no error, and axe.

Chromium is asked by a script at the end of a copy of the page, which leaves what it saw in the title.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.report import page

sys.path.append(str(Path(__file__).parents[1] / "rooms"))
import report_accounts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--virtual-time-budget=10000")  # fmt: skip
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

ERRORS = "<head><script>window.wrong = []; addEventListener('error', e => wrong.push(e.message));</script>"
SEEN = """
<script>
const shown = () => all.filter(one => !one.hidden).map(one => one.id), told = {};
told.opened = all.filter(one => one.open).map(one => one.id);
told.before = shown();
const type = text => { words.value = text; words.dispatchEvent(new Event("input")); return shown(); };
told.ubuntu = type("UBUNTU22 passed"); told.count = count.textContent; told.nothing = type("no such cell");
type("");
const box = boxes.find(one => one.value === "passed"); box.click(); told.without = shown();
location.hash = "#" + all[0].id;
const theme = document.getElementById("theme"), paper = () => getComputedStyle(document.body).backgroundColor;
told.light = paper(); theme.click(); told.dark = paper();
const first = all[0]; first.open = true;
told.numbers = [...first.querySelectorAll(".two td.number")].map(one => one.textContent);
told.losses = first.querySelector("section > p.mono").textContent.trim().split(/\\s+/);
const runs = [...document.querySelectorAll("details.run")]; runs.forEach(one => { one.open = true; });
told.run = runs.map(one => [...one.querySelectorAll("tbody tr")].map(row => [
  row.querySelector(".number").textContent, row.querySelectorAll("rect").length,
  row.querySelector("svg").getBoundingClientRect().width > 100]));
told.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
addEventListener("hashchange", () => setTimeout(() => {
  told.linked = first.open && !first.hidden;
  told.fetched = performance.getEntriesByType("resource").length;
  told.wrong = wrong;
  AXE
}));
const done = () => { document.title = JSON.stringify(told); };
</script></body>
"""


def asked(folder: Path, text: str, *, width: int, fragment: str = "", axe: str = "") -> dict[str, Any]:
    """What the browser saw of a page at that width."""
    run = "for (const one of all) one.open = true; const bad = found => found.violations"
    run += ".filter(one => ['serious', 'critical'].includes(one.impact)).map(one => one.id);"
    run += "axe.run().then(found => { told.axe = bad(found); theme.click(); return axe.run(); })"
    run += ".then(found => { told.axe = told.axe.concat(bad(found)); done(); });"
    script = SEEN.replace("AXE", run if axe else "done();")
    tools = "<script>" + axe.replace("</script>", r"<\/script>") + "</script>" if axe else ""
    path = folder / f"page{width}.html"
    path.write_text(text.replace("<head>", ERRORS, 1).replace("</body>", tools + script, 1))
    command = [str(CHROMIUM), *OPTIONS, f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}"]
    address = path.as_uri() + (f"#{fragment}" if fragment else "")
    end = subprocess.run(
        [*command, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=120
    )
    found = re.search(r"<title>(\{.*?\})</title>", end.stdout, re.DOTALL)
    assert found, end.stdout[:300]
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told


@pytest.mark.parametrize("width", [1280, 500])
def test_it_works_in_a_browser(tmp_path: Path, width: int) -> None:
    entries = report_accounts.ALL.entries
    ids = [entry.cell.id for entry in entries]
    told = asked(tmp_path, page.html(report_accounts.ALL), width=width, fragment=ids[2])
    assert told["opened"] == [ids[2]]
    assert told["before"] == ids
    assert told["ubuntu"] == [ids[1]]
    assert told["count"] == "1 of 5 cells"
    assert told["nothing"] == []
    assert told["without"] == ids[2:]
    assert told["linked"] is True  # also a cell that a filter had hidden
    assert told["light"] != told["dark"]
    assert told["losses"] == [f"{loss:.4f}" for loss in report_accounts.LOSSES]
    assert told["numbers"] == [
        "409,289",
        "106,003",
        "0.2963",
        "0.2729",
        "97.75%",
        "97.12%",
        "709 MB",
        "170 MB",
    ]
    # Each of five cells in two pieces of its 10 s, and the layer that they waited for.
    assert told["run"] == [[["10 s", 2, True]] * 5 + [["8.0 s", 2, True]]]
    assert told["wide"] <= 0
    assert (told["fetched"], told["wrong"]) == (0, [])


def test_axe_finds_nothing_serious(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, from which axe-core comes")
    words = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path / "npm"), "axe-core"]
    end = subprocess.run(words, capture_output=True, text=True, check=False)
    if end.returncode:
        pytest.skip(f"axe-core could not be had: {end.stderr.strip()[-200:]}")
    axe = (tmp_path / "npm" / "node_modules" / "axe-core" / "axe.min.js").read_text()
    told = asked(tmp_path, page.html(report_accounts.ALL), width=1280, axe=axe)
    assert told["axe"] == []
