"""A machine description, YAML or the JSON of `envbuild doctor`, → `Machine`; every mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from builder import yamldoc
from builder.errors import InputError
from builder.machine.values import CPU_LEVELS, DRIVER, Arch, Cpu, EngineSeen, Gpu, Machine, Service
from builder.matrix.amounts import compute_capability, count, size
from builder.matrix.reader import Part, Reader
from builder.matrix.spelling import WordError, choose
from builder.yamldoc import Node, Scalar

Thing = TypeVar("Thing")

TOP = (
    "os",
    "glibc",
    "arch",
    "cpu",
    "memory",
    "disk",
    "driver",
    "gpus",
    "nvidia_smi",
    "engines",
    "toolkit",
    "services",
    "proxies",
)
CPU = ("vendor", "model", "count", "level", "flags")
GPU = ("name", "capability", "memory")
ENGINE = ("kind", "version", "store", "buildkit", "gpus")
SERVICE = ("name", "answers", "note", "pulls", "pulls_left")
SCHEMA = "envbuild.doctor/1"
WRITER = "`envbuild doctor --json`"
EXAMPLES = f"{WRITER} writes one, and docs/cli.md has an example"
KIND = yamldoc.Kind(
    name="a machine's description",
    start="start with `os: ubuntu24.04`, or with `gpus: [RTX 3090]`",
    examples=EXAMPLES,
    reference=EXAMPLES,
)
ARCHES: tuple[Arch, ...] = ("x86_64", "aarch64")
KINDS = ("docker", "podman")


def load(path: Path) -> Machine:
    """The machine that a file describes. Raises `InputError` with every mistake, in the file's order."""
    document = yamldoc.examine(yamldoc.read_text(path, KIND), str(path), KIND)
    if document.root is None:
        raise InputError(document.problems)
    reader = Reader(kind=KIND, homes={})
    machine = _machine(reader.part(_described(document.root, reader), "", TOP, {}))
    problems = (*document.problems, *reader.problems)
    if problems:
        raise InputError(problems)
    return machine


def _described(root: Node, reader: Reader) -> Node:
    """The description itself: all of it, or what the JSON of `doctor` has under `machine`."""
    entries = {key.text: value for key, value in root.entries} if isinstance(root, yamldoc.Mapping) else {}
    if "schema" not in entries:
        return root
    schema = reader.text(entries["schema"], "schema")
    if schema == SCHEMA and "machine" in entries:
        return entries["machine"]
    if schema is not None:
        message = f"a document of {yamldoc.shown(schema)} describes no machine"
        reader.complain(entries["schema"].place, message, f"take that of {WRITER}, which is of {SCHEMA}")
    return yamldoc.Mapping(entries=(), place=root.place)


def _machine(top: Part) -> Machine:
    return Machine(
        os=top.word("os", str, ""),
        glibc=top.word("glibc", _version, ""),
        arch=top.choice("arch", ARCHES, "x86_64"),
        cpu=_cpu(top.part("cpu", CPU)),
        memory=top.word("memory", _bytes, None),
        disk=top.word("disk", _bytes, None),
        driver=top.word("driver", _driver, ""),
        gpus=_list(top, "gpus", _gpu, "[RTX 3090]"),
        nvidia_smi=top.word("nvidia_smi", str, ""),
        engines=_list(top, "engines", _engine, "[{kind: docker, version: 28.0.1}]")
        if "engines" in top.values
        else None,
        toolkit=top.word("toolkit", str, ""),
        services=_list(top, "services", _service, "[{name: package index, answers: true}]"),
        proxies=tuple(value.text for value in top.words("proxies", str, "[https_proxy]")),
    )


def _cpu(part: Part) -> Cpu:
    return Cpu(
        vendor=part.word("vendor", str, ""),
        model=part.word("model", str, ""),
        count=part.word("count", count(1, 4096), None),
        level=part.choice("level", CPU_LEVELS, ""),
        flags=tuple(value.text for value in part.words("flags", str, "[avx2]")),
    )


def _list(
    top: Part, key: str, read: Callable[[Reader, Node], Thing | None], example: str
) -> tuple[Thing, ...]:
    found = (read(top.reader, node) for node in top.items(key, example))
    return tuple(one for one in found if one is not None)


def _gpu(reader: Reader, node: Node) -> Gpu | None:
    """A name alone, or a mapping."""
    if isinstance(node, Scalar):
        name = reader.text(node, "gpus")
        return Gpu(name=name) if name else None
    part = reader.part(node, "gpus", GPU, {"name": "RTX 3090"})
    return Gpu(
        name=part.word("name", str, ""),
        capability=part.word("capability", compute_capability, ""),
        memory=part.word("memory", _bytes, None),
    )


def _engine(reader: Reader, node: Node) -> EngineSeen | None:
    part = reader.part(node, "engines", ENGINE, {"kind": "docker"})
    return EngineSeen(
        kind=part.choice("kind", KINDS, ""),
        version=part.word("version", str, ""),
        store=part.word("store", str, ""),
        buildkit=part.word("buildkit", _flag, None),
        gpus=part.word("gpus", _flag, None),
    )


def _service(reader: Reader, node: Node) -> Service | None:
    part = reader.part(node, "services", SERVICE, {"name": "package index", "answers": "true"})
    return Service(
        name=part.word("name", str, ""),
        answers=bool(part.word("answers", _flag, None)),
        note=part.word("note", str, ""),
        pulls=part.word("pulls", count(0, 10**9), None),
        pulls_left=part.word("pulls_left", count(0, 10**9), None),
    )


def _bytes(text: str) -> int | None:
    """`64GB`, or plain bytes as JSON has them."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else size(text)


def _driver(text: str) -> str:
    if not DRIVER.fullmatch(text):
        raise WordError(
            f"'{yamldoc.shown(text)}' is no NVIDIA driver", "write 535, or 535.54.03 as nvidia-smi does"
        )
    return text


def _version(text: str) -> str:
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}", text, re.ASCII):
        raise WordError(f"'{yamldoc.shown(text)}' is no version of glibc", "write two numbers: 2.31")
    return text


def _flag(text: str) -> bool | None:
    return choose(text, "a flag", ("true", "false")) == "true"
