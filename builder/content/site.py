"""Where an environment lies in the image, and which Python it is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An environment. `python` is `3.11` or `3.13t`, `interpreter` the program that it stands on; both it and
    `prefix` are absolute paths in the image. The properties are paths as layers have them, without a `/`
    before.
    """

    python: str
    interpreter: str
    prefix: str = "/opt/env"

    @property
    def root(self) -> str:
        """The environment's folder."""
        return self.prefix.strip("/")

    @property
    def packages(self) -> str:
        """Both purelib and platlib: RHEL's `lib64` is a link to `lib` in an environment."""
        return f"{self.root}/lib/python{self.python}/site-packages"

    @property
    def scripts(self) -> str:
        """Programs."""
        return f"{self.root}/bin"

    @property
    def command(self) -> str:
        """The environment's Python, as scripts name it in their first line."""
        return f"{self.prefix.rstrip('/')}/bin/python"

    def headers(self, name: str) -> str:
        """C headers of a distribution, where pip puts them in an environment."""
        return f"{self.root}/include/site/python{self.python}/{name}"


def system(python: str) -> str:
    """The distribution's Python, as Debian, Ubuntu and RHEL's family name it."""
    return f"/usr/bin/python{python}"


def conda(python: str) -> str:
    """The Python of the conda environment that `templates/python/conda.j2` makes."""
    return f"/opt/python/bin/python{python}"
