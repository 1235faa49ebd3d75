"""What a row of a table may hold: every field with its form, for tables that are not envbuild's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from builder.errors import Problem
from builder.yamldoc import Hole, Mapping, Node, Scalar, Sequence, shown

Form = Literal["text", "list", "texts by name", "lists by name"]

DAY = re.compile(r"\d{4}-\d\d-\d\d")
VERSION = re.compile(r"\d{1,6}(\.\d{1,9}){0,4}")
PYTHON = re.compile(r"\d\.\d{1,2}t?")
VARIANT = re.compile(r"cpu|cu\d{2,4}")
ARCH = re.compile(r"x86_64|aarch64")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,60}")
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9./:@_-]{0,250}")
YES_NO = re.compile(r"yes|no")
SHA256 = re.compile(r"[0-9a-f]{64}")
WHEEL = re.compile(r"[A-Za-z0-9._-]{3,200}")
LINE = re.compile(r".{1,300}")
KERNEL = re.compile(r"\d{1,2}\.\d(\+PTX)?")
DRIVER = re.compile(r"\d{2,4}(\.\d{1,4}){0,2}")
RANGE = re.compile(r"(([=!]= ?\d+(\.\d+){0,3}(\.\*)?|([<>]=?|~=) ?\d+(\.\d+){0,3}),? ?)+")
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}" + f"({RANGE.pattern})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One field: its form, the pattern of each text in it, what such a text is in words, and of its names."""

    pattern: re.Pattern[str]
    words: str
    form: Form = "text"
    names: re.Pattern[str] = ARCH
    required: bool = False
    needed: tuple[str, ...] = ()  # names that must be there


def _one(pattern: re.Pattern[str], words: str, *, required: bool = False) -> Shape:
    return Shape(pattern=pattern, words=words, required=required)


def _many(pattern: re.Pattern[str], words: str, *, required: bool = False) -> Shape:
    return Shape(pattern=pattern, words=words, form="list", required=required)


_VERSION, _DAY, _LINE = "a version such as 2.8.0", "a day such as 2026-11-23", "a line of text"
_BUILD, _MINOR, _SOURCE = "a build such as cu126 or cpu", "a Python such as 3.13 or 3.13t", "a key of sources"
_SOURCES = _many(WORD, _SOURCE, required=True)
_YES_NO = _one(YES_NO, "yes or no")
_COMPANIONS = _many(VERSION, _VERSION)
_KERNELS = Shape(
    pattern=KERNEL, words="an architecture such as 8.6 or 12.0+PTX", form="lists by name", names=VARIANT
)
_RANGE = _one(RANGE, "a range such as >=2.1,<2.4")
_LOWEST = "a glibc such as 2.28"

SOURCES = ("source", "variants_source", "cpu_source")  # fields that name keys of `sources`

FIELDS: dict[str, dict[str, Shape]] = {
    "torch": {
        "released": _one(DAY, _DAY, required=True),
        "python": Shape(pattern=PYTHON, words=_MINOR, form="lists by name", required=True),
        "python_unconfirmed": _many(PYTHON, _MINOR),
        "glibc": Shape(pattern=VERSION, words=_LOWEST, form="texts by name", required=True),
        "glibc_by_variant": Shape(pattern=VERSION, words=_LOWEST, form="texts by name", names=VARIANT),
        "glibc_inferred": _many(VARIANT, _BUILD),
        "variants": _many(VARIANT, _BUILD, required=True),
        "aarch64_variants": _many(VARIANT, _BUILD),
        "unconfirmed": _many(VARIANT, _BUILD),
        "default_cuda": Shape(
            pattern=re.compile(r"cpu|\d{1,2}\.\d{1,2}"),
            words="a CUDA such as 12.8, or cpu",
            form="texts by name",
            required=True,
        ),
        "torchvision": _COMPANIONS,
        "torchaudio": _COMPANIONS,
        "torchao": _COMPANIONS,
        "cudnn": _one(VERSION, _VERSION),
        "nccl": _one(VERSION, _VERSION),
        "triton": _one(VERSION, _VERSION),
        "numpy2": _YES_NO,
        "executable_stack": _YES_NO,
        "note": _one(LINE, _LINE),
        "source": _SOURCES,
        "variants_source": _SOURCES,
    },
    "cuda": {
        "min_driver": _one(VERSION, "a driver such as 525.60.13", required=True),
        "toolkit_driver": _one(re.compile(r"R?\d[\d.]{0,20}"), "a driver such as 570.26", required=True),
        "last_driver": _one(VERSION, "a driver such as 570.26"),
        "gcc_below": _one(re.compile(r"\d{1,3}"), "a GCC major such as 15"),
        "archs": Shape(
            pattern=VERSION,
            words="a compute capability such as 8.6",
            form="texts by name",
            names=re.compile("min|max"),
            needed=("min", "max"),
            required=True,
        ),
        "driver_branches": _many(re.compile(r"\d{3,4}"), "a branch such as 535"),
        "devel": Shape(pattern=IMAGE, words="an image", form="texts by name", names=WORD),
        "devel_unconfirmed": _many(WORD, "an OS"),
        "listed": _YES_NO,
        "source": _SOURCES,
    },
    "os": {
        "family": _one(re.compile("ubuntu|debian|rhel"), "ubuntu, debian or rhel", required=True),
        "codename": _one(WORD, "a word"),
        "glibc": _one(VERSION, _LOWEST, required=True),
        "eol": _one(DAY, _DAY, required=True),
        "eol_extended": _one(DAY, _DAY),
        "image": _one(IMAGE, "an image", required=True),
        "image_status": _one(LINE, _LINE, required=True),
        "pkg": _one(re.compile("apt|dnf|yum"), "apt, dnf or yum", required=True),
        "system_python": _one(PYTHON, _MINOR, required=True),
        "extra_python": _many(PYTHON, _MINOR),
        "gcc": _one(VERSION, "a GCC such as 13"),
        "mirrors": _one(re.compile("live|vault|archive"), "live, vault or archive", required=True),
        "cpu": _one(re.compile("x86-64-v[234]"), "a level such as x86-64-v2"),
        "cpu_source": _many(WORD, _SOURCE),
        "executable_stack_refused": _YES_NO,
        "source": _SOURCES,
    },
    "python": {"eol": _one(DAY, _DAY), "source": _SOURCES},
    "gpu": {
        "gpus": _many(LINE, "the name of a GPU", required=True),
        "first_driver": _one(DRIVER, "a driver such as 570.26"),
        "last_branch": _one(re.compile(r"\d{3,4}"), "a branch such as 580"),
        "source": _SOURCES,
    },
    "architectures": {"x86_64": _KERNELS, "aarch64": _KERNELS, "source": _SOURCES},
    "traps": {
        "level": _one(
            re.compile("constraint|requirement|warning|advice"),
            "constraint, requirement, warning or advice",
            required=True,
        ),
        "torch": _RANGE,
        "python": _RANGE,
        "glibc": _RANGE,
        "cuda": _one(re.compile(f"any|{RANGE.pattern}"), "a range such as >=12.8, or any"),
        "flavor": _one(re.compile("runtime|devel"), "runtime or devel"),
        "provider": _one(re.compile("standalone|system|conda"), "standalone, system or conda"),
        "arch": _one(ARCH, "x86_64 or aarch64"),
        "package": _one(WORD, "a package"),
        "bounded": _YES_NO,
        "requirement": _one(REQUIREMENT, "a requirement such as numpy<2"),
        "symptom": _one(LINE, _LINE, required=True),
        "cause": _one(LINE, _LINE, required=True),
        "fix": _one(LINE, _LINE),
        "source": _SOURCES,
    },
    "sources": {
        "title": _one(LINE, _LINE, required=True),
        "url": _one(re.compile(r"https?://[^\s@]{1,300}"), "an http address without a login"),
        "seen": _one(DAY, _DAY, required=True),
    },
    "tables": {
        "verified": _one(DAY, _DAY, required=True),
        "stale_after": _one(DAY, _DAY, required=True),
    },
}
NAMES = {
    "torch": (re.compile(r"\d+\.\d+\.\d+"), "a torch release such as 2.8.0"),
    "cuda": (re.compile(r"\d{1,2}\.\d{1,2}"), "a CUDA such as 12.8"),
    "os": (re.compile(r"[a-z][a-z0-9.-]*[a-z0-9]"), "an OS such as debian12"),
    "python": (re.compile(r"\d\.\d{1,2}"), "a Python such as 3.13"),
    "gpu": (re.compile(r"\d{1,2}\.\d"), "a compute capability such as 8.6"),
    "architectures": (re.compile(r"\d+\.\d+\.\d+"), "a torch release such as 2.8.0"),
    "traps": (re.compile(r"[a-z][a-z0-9_]{1,60}"), "a name such as numpy_glibc"),
    "sources": (WORD, _SOURCE),
    "tables": (
        re.compile("torch|builds|cuda|os|python|gpu|traps"),
        "a table: torch, builds, cuda, os, python, gpu or traps",
    ),
    "wheels": (re.compile(r"\d+\.\d+\.\d+"), "a torch release such as 2.8.0"),
}


def wrong_row(table: str, node: Node) -> Iterator[Problem]:
    """What is wrong with one row of an overlay, missing fields apart."""
    fields = FIELDS[table]
    if not isinstance(node, Mapping):
        yield from _not(node, "fields with values")
        return
    for key, value in node.entries:
        shape = fields.get(key.text)
        if shape is None:
            near = get_close_matches(key.text, fields, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(fields)}"
            message = f"'{shown(key.text)}' is no field of {table}"
            yield Problem(message=message, hint=hint, place=key.place)
        else:
            yield from _wrong(shape, value)


def wrong_hashes(node: Node) -> Iterator[Problem]:
    """What is wrong with the hashes of one release's wheels."""
    shape = Shape(pattern=SHA256, words="a sha256 in hex", form="texts by name", names=WHEEL)
    yield from _wrong(shape, node)


def _wrong(shape: Shape, node: Node) -> Iterator[Problem]:
    if shape.form.endswith("by name"):
        yield from _wrong_by_name(shape, node)
    elif shape.form == "list":
        yield from _wrong_list(shape, node)
    elif not isinstance(node, Scalar) or not shape.pattern.fullmatch(node.text):
        yield from _not(node, shape.words)


def _wrong_list(shape: Shape, node: Node) -> Iterator[Problem]:
    if not isinstance(node, Sequence):
        yield from _not(node, f"a list, each of {shape.words}")
        return
    for item in node.items:
        if not isinstance(item, Scalar) or not shape.pattern.fullmatch(item.text):
            yield from _not(item, shape.words)


def _wrong_by_name(shape: Shape, node: Node) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        yield from _not(node, f"values by name, each of {shape.words}")
        return
    left = set(shape.needed).difference(key.text for key, _ in node.entries)
    if left:
        yield Problem(message=f"{', '.join(sorted(left))} is missing here", place=node.place)
    for key, value in node.entries:
        if not shape.names.fullmatch(key.text):
            yield from _not(key, "a name that may stand here")
        elif shape.form == "lists by name":
            yield from _wrong_list(shape, value)
        elif not isinstance(value, Scalar) or not shape.pattern.fullmatch(value.text):
            yield from _not(value, shape.words)


def _not(node: Node, wanted: str) -> Iterator[Problem]:
    if isinstance(node, Hole):
        return
    told = f"'{shown(node.text)}'" if isinstance(node, Scalar) else "this"
    yield Problem(message=f"{told} is not {wanted}", place=node.place)
