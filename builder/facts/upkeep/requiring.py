"""What a wheel's METADATA asks for on one machine: CUDA, cuDNN, NCCL, Triton, and which torch."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

CUDA = re.compile(r"cuda-toolkit|nvidia-cuda-runtime(-cu\d+)?")
PARTS = {
    "cudnn": re.compile(r"nvidia-cudnn(-cu\d+)?"),
    "nccl": re.compile(r"nvidia-nccl(-cu\d+)?"),
    "triton": re.compile(r"triton"),
}
RELEASE = re.compile(r"\d+(\.\d+){0,4}")
# `cuda: Optional[str] = '13.2'` or `cuda = None` in torch/version.py
VERSION_PY = re.compile(rb"^cuda\b[^=\n]*=\s*(?:['\"](?P<cuda>\d+\.\d+)[^'\"]*['\"]|None)", re.MULTILINE)

Requirements = Mapping[str, SpecifierSet]


def requirements(metadata: bytes, arch: str, python: str) -> Requirements:
    """Name → releases, of what METADATA asks for on Linux with that Python. Extras are left out."""
    minor = python.rstrip("t")
    machine = {
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
        "platform_machine": arch,
        "python_version": minor,
        "python_full_version": f"{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    found: dict[str, SpecifierSet] = {}
    for text in parse_email(metadata)[0].get("requires_dist", []):
        try:
            asked = Requirement(text)
        except InvalidRequirement:
            continue
        if asked.marker is None or asked.marker.evaluate(machine):
            found[canonicalize_name(asked.name)] = asked.specifier
    return found


def parts(asked: Requirements) -> dict[str, str]:
    """cuDNN, NCCL and Triton, where they are asked for."""
    found = {name: pinned(asked, pattern) for name, pattern in PARTS.items()}
    return {name: version for name, version in found.items() if version}


def cuda(asked: Requirements) -> str | None:
    """The CUDA (`12.8`) whose libraries are asked for; None where none are."""
    version = pinned(asked, CUDA)
    return ".".join(version.split(".")[:2]) if version else None


def pinned(asked: Requirements, pattern: re.Pattern[str]) -> str | None:
    """The one release that is asked for of the package that is called so."""
    for name, specifiers in asked.items():
        for one in specifiers if pattern.fullmatch(name) else ():
            if one.operator in ("==", "===", "~=") and RELEASE.fullmatch(one.version):
                return one.version
    return None


def built_for(version_py: bytes) -> str:
    """The CUDA that torch/version.py names, or `cpu`. Raises `ValueError` where it says nothing of CUDA."""
    told = VERSION_PY.search(version_py)
    if told is None:
        raise ValueError("torch/version.py does not say for which CUDA")
    return told["cuda"].decode() if told["cuda"] else "cpu"
