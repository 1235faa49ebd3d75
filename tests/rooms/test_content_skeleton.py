"""The environment's own files make an environment, for every Python."""

import json
import subprocess
from pathlib import Path

import pytest
from content_wheels import lay, pythons, read, site_at

from builder.content import skeleton
from builder.content.site import Site, conda, system

ASK = "import sys, json; print(json.dumps([sys.prefix, sys.base_prefix, sys.path[-1], sys.flags.no_site]))"


@pytest.mark.parametrize("interpreter", pythons(), ids=lambda path: Path(path).name)
def test_it_is_an_environment(tmp_path, interpreter):
    site = site_at(tmp_path / "env", interpreter)
    lay(skeleton.entries(site), site)
    for name in ("python", "python3", f"python{site.python}"):
        told = subprocess.check_output([tmp_path / "env/bin" / name, "-c", ASK], env={})
        prefix, base, packages, _ = json.loads(told)
        assert (prefix, packages) == (site.prefix, f"/{site.packages}")
        assert base != prefix


def test_nothing_in_it_depends_on_the_day_or_the_machine():
    entries = {entry.path: entry for entry in skeleton.entries(Site(python="3.9", interpreter=system("3.9")))}
    assert read(entries["opt/env/pyvenv.cfg"]) == b"home = /usr/bin\ninclude-system-site-packages = false\n"
    assert {path: entry.target for path, entry in entries.items() if entry.kind == "symlink"} == {
        "opt/env/bin/python": "/usr/bin/python3.9",
        "opt/env/bin/python3": "python",
        "opt/env/bin/python3.9": "python",
        "opt/env/lib64": "lib",
    }
    assert {"opt", "opt/env", "opt/env/bin", "opt/env/lib/python3.9/site-packages"} <= set(entries)


def test_a_free_threaded_python_has_both_names():
    paths = {entry.path for entry in skeleton.entries(Site(python="3.13t", interpreter=conda("3.13t")))}
    assert {"opt/env/bin/python3.13t", "opt/env/bin/python3.13"} <= paths
    assert "opt/env/lib/python3.13t/site-packages" in paths


def test_it_can_be_entered_and_left(tmp_path):
    site = site_at(tmp_path / "env")
    lay(skeleton.entries(site), site)
    here = f". {site.prefix}/bin/activate"
    told = 'echo "$PATH|${VIRTUAL_ENV-none}|${PS1-}"'
    words = f"set -u; PS1='$ '; {here}; {told}; {here}; {told}; deactivate; {told}"
    ran = subprocess.check_output(["/bin/sh", "-c", words], text=True, env={"PATH": "/usr/bin:/bin"})
    inside = f"{site.prefix}/bin:/usr/bin:/bin|{site.prefix}|(env) $ "
    assert ran.splitlines() == [inside, inside, "/usr/bin:/bin|none|$ "]
