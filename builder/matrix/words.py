"""How an OS, a Python, a CUDA and a torch are spelled, and the patterns that mean several of them.

A rule takes a scalar's text and gives its one spelling, or raises `WordError`. Whether a thing of that name
exists is not asked here.
"""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder import names
from builder.matrix.spelling import WordError
from builder.yamldoc import shown

_OS = re.compile(r"[a-z](?:[a-z0-9.-]{0,60}[a-z0-9])")
_FAMILIAR_OS = re.compile(
    r"(?:quay\.io/centos/|rockylinux/)?(?P<family>ubuntu|debian|centos|rocky|alma)(?:linux)?"
    r"[:-]?(?P<stream>stream)?[:-]?(?P<version>[0-9]+(?:\.[0-9]+)?)"
)
_PYTHON = re.compile(r"3\.(?:0|[1-9][0-9]?)(?:\.(?:0|[1-9][0-9]?))?t?")
_TORCH = re.compile(r"[0-9]{1,2}(?:\.(?:0|[1-9][0-9]?)){1,2}")
_CUDA = re.compile(r"[1-9][0-9]?\.[0-9]{1,2}")
_CUDA_NAME = re.compile(r"cu[0-9]{2,3}")
_OS_GLOB = re.compile(r"(?:[a-z0-9.*?-]|\[!?[a-z0-9-]+\]){1,100}")
_VERSION_GLOB = re.compile(r"(?:[0-9.*?]|\[!?[0-9-]+\]){1,100}t?")
_RANGE_HINT = "an axis lists versions one by one; ranges belong in exclude rules"


def os_name(text: str) -> str:
    """The tables' spelling: `ubuntu:22.04` → `ubuntu22.04`, `centos:stream9` → `centos-stream9`."""
    name = _familiar(text)
    if not _OS.fullmatch(name):
        hint = "write family and version, for example ubuntu22.04, debian12 or centos-stream9"
        raise WordError(f"'{shown(text)}' is not the name of an OS", hint)
    return name


def python_version(text: str) -> str:
    """`3.N` or `3.N.P`, with a `t` for the free-threaded build."""
    if _PYTHON.fullmatch(text):
        return text
    hint = "write 3.N or 3.N.P, for example 3.11"
    if _is_range(text):
        hint = _RANGE_HINT
    elif text[:2] in ("2", "2."):
        hint = "only Python 3 is supported"
    raise WordError(f"'{shown(text)}' is not a Python version", hint)


def cuda_version(text: str) -> str:
    """`cpu` or a CUDA version; PyTorch's names are understood: `cu126` → `12.6`."""
    if text == "cpu" or _CUDA.fullmatch(text):
        return text
    if _CUDA_NAME.fullmatch(text):
        return names.cuda_version(text)
    hint = "write cpu or a version with one dot, for example 12.6"
    if _is_range(text):
        hint = _RANGE_HINT
    elif text.lower() == "cpu":
        hint = "write cpu"
    elif text.startswith("rocm"):
        hint = "only cpu and CUDA are supported"
    raise WordError(f"'{shown(text)}' is not a CUDA version", hint)


def torch_version(text: str) -> str:
    """`N.N` (its newest patch release) or `N.N.P`."""
    if _TORCH.fullmatch(text):
        return text
    hint = "write N.N or N.N.P, for example 2.8"
    if _is_range(text):
        hint = _RANGE_HINT
    elif "+" in text:
        hint = "leave out what follows the '+'; the cuda axis chooses the build"
    elif re.search(r"nightly|latest|dev[0-9]|rc[0-9]|a[0-9]|b[0-9]", text):
        hint = "only releases can be locked and judged; name one, for example 2.8"
    raise WordError(f"'{shown(text)}' is not a torch version", hint)


def os_pattern(text: str) -> str:
    """An OS name or a glob (`centos*`)."""
    if _is_range(text):
        raise WordError(f"'{shown(text)}': an OS has no version range", 'use a glob, for example "ubuntu2*"')
    return _glob(_familiar(text), _OS_GLOB, text)


def version_pattern(text: str) -> str:
    """A version (`2.8`, which means 2.8.0 as well), a glob (`3.1?`) or a range (`>=2.1,<2.4`)."""
    if _is_range(text):
        try:
            SpecifierSet(text)
        except InvalidSpecifier:
            hint = 'write it like "<3.11", ">=2.1,<2.4" or "==2.8.*"'
            raise WordError(f"'{shown(text)}' is not a version range", hint) from None
        return text
    return _glob(text, _VERSION_GLOB, text)


def cuda_pattern(text: str) -> str:
    """Like `version_pattern`, and `cpu`; `cu126` is understood as `12.6`."""
    if text == "cpu":
        return text
    if _CUDA_NAME.fullmatch(text):
        return names.cuda_version(text)
    if text.startswith("cu"):
        hint = 'write the version: "12.*" for every CUDA 12, "*.*" for all but cpu'
        raise WordError(f"'{shown(text)}': a CUDA pattern is one of versions", hint)
    return version_pattern(text)


def _glob(pattern: str, grammar: re.Pattern[str], written: str) -> str:
    if not grammar.fullmatch(pattern):
        hint = 'write a value, a glob with * ? [..], or a version range, for example "<3.11"'
        raise WordError(f"'{shown(written)}' is not a pattern", hint)
    return pattern


def _familiar(text: str) -> str:
    match = _FAMILIAR_OS.fullmatch(text)
    if match is None:
        return text
    return match["family"] + ("-stream" if match["stream"] else "") + match["version"]


def _is_range(text: str) -> bool:
    return text[:1] in tuple("<>=!~")
