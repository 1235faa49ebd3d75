"""A base + a recipe's question → the distribution's packages, pinned: its own package manager tells what it
would install, in a container with network that is thrown away.
"""

from __future__ import annotations

import re
import shlex
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from builder.engine.api import RunEnd, RunRequest
from builder.errors import CellError, EnvbuildError, OutsideError, Problem
from builder.lock.values import LockedSystem
from builder.ports import Ports
from builder.recipe import Recipe
from builder.source.api import Pin, Surroundings

MEMORY = 2 * 1024**3  # bytes; apt's lists take a tenth
TIMEOUT = 900.0  # seconds
BEGIN, END = "envbuild-packages", "envbuild-packages-end"
PACKAGE = re.compile(r"package (\S+) (\S+) ([a-z0-9]+) (\S+) (\d+) ([0-9a-f]{64})")
UNKNOWN = re.compile(r"Unable to locate package|no installation candidate|unmet dependencies|was not found")
# The container's standard input is the script: neither a file of this machine nor a proxy's password is
# anywhere else. Whatever the script starts reads from nowhere, or it would eat the rest of it.
COMMAND = ("/bin/sh", "-c", "cat > /tmp/question.sh; exec /bin/sh /tmp/question.sh < /dev/null")


def pinned(key: str, recipe: Recipe, image: str, ports: Ports) -> LockedSystem:
    """What the `os` stage of that recipe installs on that image, in no order that matters.

    Raises `CellError` for a package that there is not, `OutsideError` where the distribution's mirror does
    not answer.
    """
    if not recipe.os_question:
        return LockedSystem(key=key, packages=None, why=_why(recipe))
    request = RunRequest(
        image=image,
        command=COMMAND,
        stdin=script(recipe, ports.source.surroundings()),
        user="0",
        memory=MEMORY,
        timeout=TIMEOUT,
        network="host",
        writable=True,
    )
    end = ports.engine.run(request, lambda _: None, ports.cancel)
    if end.exit_code != 0 or end.timed_out:
        raise _failed(recipe, end)
    packages, date = parsed(end.stdout.decode(errors="replace"), recipe)
    return LockedSystem(key=key, packages=packages, date=date)


def script(recipe: Recipe, around: Surroundings) -> bytes:
    """The question, with the files that it reads, this machine's proxies, and marks around the answer."""
    files = {"packages.txt": dict(recipe.files)["os/packages.txt"]}
    if around.apt:
        files["apt.conf"] = around.apt
    lines = ["set -eu", "mkdir -p /inputs/os"]
    lines += [
        f"cat > /inputs/os/{name} <<'ENVBUILD-END'\n{content.decode()}ENVBUILD-END"
        for name, content in files.items()
    ]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in around.proxies]
    return "\n".join((*lines, f"echo {BEGIN}", recipe.os_question, f"echo {END}", "")).encode()


def parsed(answer: str, recipe: Recipe) -> tuple[tuple[Pin, ...], int]:
    """The packages, by name, and the newest date of the lists. Raises `OutsideError` for anything else."""
    _, _, told = answer.partition(f"{BEGIN}\n")
    told, end, _ = told.partition(f"{END}\n")
    packages, dates = [], [0]
    for line in told.splitlines() if end else [answer[-200:] or "nothing"]:
        found = PACKAGE.fullmatch(line)
        if found:
            packages.append(_pin(*found.groups()))
        elif line.startswith("date "):
            dates.append(int(parsedate_to_datetime(line.removeprefix("date ")).timestamp()))
        else:
            raise OutsideError.of(
                f"{recipe.cell.os} does not tell its packages with address and sha256: {line!r}",
                hint="its mirror's lists must have SHA256 sums; try another mirror",
            )
    return tuple(sorted(packages, key=lambda pin: (pin.name, pin.filename))), max(dates)


def _pin(*fields: str) -> Pin:
    name, version, arch, url, size, sha256 = fields
    public = urlsplit(url).scheme in ("http", "https") and "@" not in urlsplit(url).netloc
    return Pin(
        name=name,
        version=version.replace("%3a", ":"),
        filename=f"{name}_{version}_{arch}.deb",
        url=url if public else None,
        sha256=sha256,
        size=int(size),
    )


def _why(recipe: Recipe) -> str:
    if recipe.cell.provider == "conda":
        return "conda's Python is resolved by conda, when the image is built"
    return (
        f"the package manager of {recipe.cell.os} does not tell address and sha256 of what it would install"
    )


def _failed(recipe: Recipe, end: RunEnd) -> EnvbuildError:
    lines = [line for line in end.stderr.decode(errors="replace").splitlines() if line.strip()]
    said = "; ".join(lines[-3:]) or ("it took too long" if end.timed_out else f"exit code {end.exit_code}")
    message = f"the packages of {recipe.cell.os} cannot be pinned: {said}"
    if UNKNOWN.search(said):
        hint = f"check packages.system: {recipe.cell.os} has no such package"
        return CellError((Problem(message=message, hint=hint, cell=recipe.cell.id),))
    hint = "check that a container on this engine reaches the distribution's mirror (host network)"
    return OutsideError((Problem(message=message, hint=hint, cell=recipe.cell.id),))
