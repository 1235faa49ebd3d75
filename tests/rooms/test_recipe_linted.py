"""Every page by hadolint and its ShellCheck: they find what is listed here, with its reason, and no more."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from builder.recipe.dockerfile import shape
from tests.golden.cells import HERE

HADOLINT = Path(sys.executable).with_name("hadolint")
MEANT = {
    "DL3002": "the stage in which packages are installed is root's; the image is its user's",
    "DL3033": "findutils by name alone: xargs comes with it, and versions are the lock's matter",
    "DL3041": "the same with dnf",
    "DL4006": "the shells of these bases know no pipefail; what a pipe's left side lacks is missed later",
}
PAGES = {shape(path.read_text()): path for path in sorted((HERE / "dockerfiles").iterdir())}

NO_WHEEL = f"hadolint has no wheel for {platform.machine()}"

pytestmark = pytest.mark.skipif(not HADOLINT.exists(), reason=NO_WHEEL)


def found(pages: Iterable[Path]) -> set[str]:
    """The rules that these pages break."""
    command = [HADOLINT, "--no-color", "--no-fail", "--format", "json", *pages]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {finding["code"] for finding in json.loads(told)}


def test_every_page_breaks_the_rules_that_are_meant_and_no_other() -> None:
    """Pages that differ in values alone, as those of Rocky and Alma do, count once."""
    assert len(PAGES) > 30
    assert found(PAGES.values()) == set(MEANT)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("set -eu; umask 022;", "set -eu; umask 022; cd /tmp/$missing_quotes;", "SC2086"),
        ("USER ${USER_ID}", "MAINTAINER somebody", "DL4000"),
        ("FROM scratch AS uv-local", "FROM scratch AS uv", "DL3024"),
    ],
)
def test_it_would_tell(tmp_path: Path, old: str, new: str, rule: str) -> None:
    text = next(iter(PAGES.values())).read_text()
    assert old in text
    page = tmp_path / "Dockerfile"
    page.write_text(text.replace(old, new))
    assert rule in found([page])
