"""A build for BuildKit → the same for Docker's classic builder, which knows no mounts and builds every stage.

What a step mounts is copied in before it and removed after it, and stages that the target does not need are
left out. Layers come out otherwise than BuildKit's; what they add up to is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.engine.api import BuildRequest, Entry
from builder.errors import InputError

CONTINUED = re.compile(r"\\[ \t]*$")
FROM = re.compile(r"FROM\s+(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
ARG = re.compile(r"ARG\s+(\w+)(?:=(\S*))?\s*$", re.IGNORECASE)
RUN = re.compile(r"RUN\s", re.IGNORECASE)
MOUNT = re.compile(r"(?:\s|\\\n)*--mount=(\S+)")
USED = re.compile(r"(?:--from=|--mount=\S*?\bfrom=)([^\s,]+)")
VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    name: str
    base: str
    instructions: tuple[str, ...]


def for_classic(request: BuildRequest) -> BuildRequest:
    """The same build without mounts. Raises `InputError` for a mount that cannot be told otherwise."""
    context = tuple(
        replace(entry, content=_rewritten(_text(entry), request).encode())
        if entry.path == "Dockerfile"
        else entry
        for entry in request.context
    )
    return replace(request, context=context)


def _text(entry: Entry) -> str:
    content = entry.content
    return (content.read_bytes() if isinstance(content, Path) else content).decode(errors="surrogateescape")


def _rewritten(dockerfile: str, request: BuildRequest) -> str:
    first, stages = _read(tuple(_instructions(dockerfile)), request.args)
    needed = _needed(stages, request.target)
    lines = [*first]
    for stage in (stage for stage in stages if stage.name in needed):
        for instruction in stage.instructions:
            lines += _without_mounts(instruction) if RUN.match(instruction) else [instruction]
    return "\n".join(lines) + "\n"


def _instructions(dockerfile: str) -> Iterator[str]:
    """Each with its continued lines; comments and empty lines are left out, also those within."""
    whole: list[str] = []
    for line in dockerfile.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole.append(line)
        if not CONTINUED.search(line):
            yield "\n".join(whole)
            whole = []
    if whole:
        yield "\n".join(whole)


def _read(
    instructions: tuple[str, ...], given: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[_Stage, ...]]:
    """What stands before the first FROM, and the stages: one without a name is called by its number."""
    starts = [at for at, each in enumerate(instructions) if FROM.match(each)]
    first = instructions[: starts[0]] if starts else instructions
    defaults = {found[1]: (found[2] or "").strip("\"'") for found in map(ARG.match, first) if found}
    values = {**defaults, **given}
    stages = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(instructions)], strict=True)):
        found = FROM.match(instructions[start])
        assert found  # noqa: S101  # `starts` has no others
        base = VARIABLE.sub(lambda name: values.get(name[1] or name[2], ""), found[1])
        name = (found[2] or str(number)).lower()
        stages.append(_Stage(name=name, base=base.lower(), instructions=instructions[start:end]))
    return first, tuple(stages)


def _needed(stages: tuple[_Stage, ...], target: str | None) -> set[str]:
    """Names of the stages that the target is made from, and its own."""
    known = {stage.name: stage for stage in stages}
    wanted = [(target or stages[-1].name).lower()] if stages else []
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in known and name not in needed:
            needed.add(name)
            wanted.append(known[name].base)
            wanted += [used.lower() for each in known[name].instructions for used in USED.findall(each)]
    return needed


def _without_mounts(instruction: str) -> list[str]:
    """RUN --mount=type=bind,… → what it mounts copied, RUN, and that removed again."""
    rest, copies, removals = instruction[len("RUN") :], [], []
    while found := MOUNT.match(rest):
        mount = dict(part.partition("=")[::2] for part in found[1].split(","))
        target = mount.get("target")
        if mount.get("type", "bind") != "bind" or not target:
            raise InputError.of(
                f"Docker's classic builder cannot do --mount={found[1]}",
                hint="unset ENVBUILD_BUILDER, or take an engine with BuildKit",
            )
        stage = f"--from={mount['from']} " if "from" in mount else ""
        copies.append(f"COPY {stage}{mount.get('source', '.')} {target}")
        removals.append(f"RUN rm -rf {target}; rmdir -p {Path(target).parent} 2>/dev/null || true")
        rest = rest[found.end() :]
    return [*copies, f"RUN{rest}", *removals]
