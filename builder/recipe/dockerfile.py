"""A Dockerfile's text → its instructions, as BuildKit reads them, and the shape that no value may change."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTINUES = re.compile(r"\\[ \t]*$")
_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|\\.|[^\s"])+')
_HOLD_VALUES = frozenset({"ARG", "ENV", "LABEL", "WORKDIR"})
_MOUNT = re.compile(r"--mount=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its keyword in capitals, and the rest, continued lines joined, comments left out."""

    keyword: str
    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """The text's words; what stands in double quotes belongs to one word."""
        return tuple(_WORD.findall(self.text))

    @property
    def sources(self) -> tuple[str, ...]:
        """The context's paths that this instruction mounts, for a RUN; stages' paths do not count."""
        fields = (dict(part.partition("=")[::2] for part in m.split(",")) for m in _MOUNT.findall(self.text))
        return tuple(field["source"] for field in fields if "from" not in field and "source" in field)


def instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions in order. Comments and empty lines within a continued one do not end it."""
    found: list[Instruction] = []
    pending = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        pending += _CONTINUES.sub("", stripped if not pending else line)
        if not _CONTINUES.search(line):
            found.append(_instruction(pending))
            pending = ""
    return (*found, _instruction(pending)) if pending else tuple(found)


def shape(text: str) -> tuple[tuple[str, str], ...]:
    """Everything of a Dockerfile but its values: two that differ in values alone have equal shapes.

    Instructions that hold values count for their number of words, all others (RUN, FROM, USER …) for their
    text.
    """
    return tuple(
        (step.keyword, str(len(step.words)) if step.keyword in _HOLD_VALUES else step.text)
        for step in instructions(text)
    )


def _instruction(text: str) -> Instruction:
    keyword, _, rest = text.partition(" ")
    return Instruction(keyword=keyword.upper(), text=rest.strip())
