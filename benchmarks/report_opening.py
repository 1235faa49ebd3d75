"""Open reports of 1, 100 and 500 cells in headless Chromium: `python benchmarks/report_opening.py`.

Printed are each page's size, the time that making it took, and the browser's own time from the begin of the
navigation to its `load` event, the median of five openings each with a profile of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "rooms")]

import report_accounts  # noqa: E402

from builder.report.page import html  # noqa: E402

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")  # fmt: skip
TOLD = (
    "<script>addEventListener('load', () => { document.title = `${performance.now()} ms`; });</script></body>"
)
OPENINGS = 5


def opened(browser: str, page: Path, profile: Path) -> float:
    """Milliseconds until the page was loaded."""
    command = [browser, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    end = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found = re.search(r"<title>([\d.]+) ms</title>", end.stdout)
    if not found:
        sys.exit(f"the browser told nothing: {end.stderr[-300:]}")
    return float(found[1])


def main() -> None:
    """A line per page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("chromium is not installed")
    print("cells   page, kB   made, s   opened, ms")
    for cells in (1, 100, 500):
        begun = time.perf_counter()
        text = html(report_accounts.many(cells))
        made = time.perf_counter() - begun
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            page.write_text(text.replace("</body>", TOLD))
            times = [opened(browser, page, Path(folder) / f"profile{n}") for n in range(OPENINGS)]
        median = sorted(times)[OPENINGS // 2]
        print(f"{cells:5}   {len(text.encode()) / 1e3:8,.0f}   {made:7.2f}   {median:10,.0f}")


if __name__ == "__main__":
    main()
