"""What the container wrote → contents; everything that is not exactly an answer is refused."""

from __future__ import annotations

import re
import shlex
from typing import Literal

from builder.engine.api import RunEnd
from builder.papers import distributions, system
from builder.papers.values import Contents, Release, odd

# The names of the frames, in their order, by package manager.
WHOLE: dict[tuple[str, ...], Literal["dpkg", "rpm"]] = {
    ("os", "dpkg", "python"): "dpkg",
    ("os", "rpm", "python"): "rpm",
}
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
VERSION_ID = re.compile(r"[A-Za-z0-9._-]{0,100}")


def read(end: RunEnd, nonce: str) -> Contents:
    """The contents that were told under this nonce. Raises `CellError`."""
    frames = _frames(end, nonce)
    tool = WHOLE[tuple(frames)]
    interpreter, found = distributions.read(frames["python"])
    return Contents(
        python=found,
        interpreter=interpreter,
        system=system.read(tool, frames[tool]),
        tool=tool,
        os=_release(frames["os"]),
    )


def last_words(end: RunEnd) -> str:
    """The last line that the container said on standard error, harmless to print."""
    said = end.stderr.decode("utf-8", "replace").strip().splitlines()
    return ascii(said[-1][-300:])[1:-1] if said else ""


def _frames(end: RunEnd, nonce: str) -> dict[str, str]:
    """What stands in each frame, with nothing before, between and after them."""
    try:
        text = end.stdout.decode("utf-8")
    except UnicodeDecodeError as error:
        raise odd(f"its answer is no UTF-8: {error.reason}") from error
    frame = re.compile(rf"{nonce} begin ([a-z]+)\n(.*?)\n{nonce} end \1 ([0-9]+)\n", re.DOTALL)
    found = list(frame.finditer(text))
    if "".join(one[0] for one in found) != text or tuple(one[1] for one in found) not in WHOLE:
        raise odd(f"its answer is cut off, or mixed with something else: …{text[-100:]!a}")
    for name, _, code in (one.groups() for one in found):
        if code != "0":
            raise odd(f"{name} ended with exit code {code}: {last_words(end) or 'it said nothing'}")
    return {one[1]: one[2] for one in found}


def _release(text: str) -> Release:
    """An os-release file. Its values are quoted as a shell's."""
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    try:
        pairs = {name: " ".join(shlex.split(value)) for name, _, value in (_cut(line) for line in lines)}
    except ValueError as error:
        raise odd(f"its os-release cannot be read: {error}") from error
    found = Release(
        id=pairs.get("ID", "linux"),
        version=pairs.get("VERSION_ID", ""),
        title=pairs.get("PRETTY_NAME", "Linux"),
    )
    plain = ID.fullmatch(found.id) and VERSION_ID.fullmatch(found.version)
    if not plain or not found.title.isprintable() or len(found.title) > 200:
        raise odd(f"its os-release has strange words: {found.distro[:100]!a}, {found.title[:100]!a}")
    return found


def _cut(line: str) -> tuple[str, str, str]:
    if "=" not in line:
        raise ValueError(f"{line[:100]!a} sets nothing")
    return line.partition("=")
