"""The virtual environment's own files, as `python -m venv` makes them: no packages, no pip."""

from __future__ import annotations

from builder.content.entries import file, folder, symlink, with_folders
from builder.content.site import Site
from builder.layer.values import Entry

# No version: nothing of Python reads it, and a distribution's Python gets new patches.
CONFIGURATION = """\
home = {home}
include-system-site-packages = false
"""

ACTIVATE = """\
# For sh: `. {prefix}/bin/activate`, and `deactivate` to leave. Containers have it on PATH already.
if [ -n "${{_ENVBUILD_PATH:-}}" ]; then deactivate; fi
_ENVBUILD_PATH="$PATH"
_ENVBUILD_PS1="${{PS1:-}}"
VIRTUAL_ENV={prefix}
PATH="$VIRTUAL_ENV/bin:$PATH"
PS1="({name}) ${{PS1:-}}"
export VIRTUAL_ENV PATH
deactivate() {{
    PATH="$_ENVBUILD_PATH"
    PS1="$_ENVBUILD_PS1"
    unset VIRTUAL_ENV _ENVBUILD_PATH _ENVBUILD_PS1
    unset -f deactivate
}}
"""


def entries(site: Site) -> tuple[Entry, ...]:
    """`pyvenv.cfg`, the links to the interpreter, `activate`, and the folder for packages."""
    home = site.interpreter.rpartition("/")[0]
    name = site.root.rpartition("/")[2]
    # A free-threaded `python3.13t` answers to `python3.13` as well.
    names = dict.fromkeys(("python3", f"python{site.python}", f"python{site.python.removesuffix('t')}"))
    return with_folders(
        (
            file(f"{site.root}/pyvenv.cfg", CONFIGURATION.format(home=home).encode()),
            file(f"{site.scripts}/activate", ACTIVATE.format(prefix=site.prefix, name=name).encode()),
            symlink(f"{site.scripts}/python", site.interpreter),
            *(symlink(f"{site.scripts}/{name}", "python") for name in names),
            symlink(f"{site.root}/lib64", "lib"),
            folder(site.packages),
        )
    )
