"""What an index may tell at all: Pythons, glibc and CUDA that the tables know, or that may come next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.version import Version

from builder.facts import Facts
from builder.names import cuda_version

Row = Mapping[str, Any]  # as a table's file holds it


def strange(facts: Facts, row: Row) -> str | None:
    """Why what is told of a release can hardly be; None where nothing speaks against it."""
    return next(_strange(facts, row), None)


def _strange(facts: Facts, row: Row) -> Iterator[str]:
    yield from _pythons(facts, (minor for minors in row.get("python", {}).values() for minor in minors))
    highest = max((one.glibc for one in facts.os.values()), key=Version)
    for floor in row.get("glibc", {}).values():
        if Version(floor) > Version(highest):
            yield f"it needs glibc {floor}, and no system has more than {highest}"
    named = (build for name in ("variants", "aarch64_variants", "unconfirmed") for build in row.get(name, ()))
    for cuda in dict.fromkeys((*map(cuda_version, named), *row.get("default_cuda", {}).values())):
        if not _is_cuda(facts, cuda):
            yield f"there is no CUDA {cuda}"


def _pythons(facts: Facts, minors: Iterable[str]) -> Iterator[str]:
    first, *_, last = (Version(minor) for minor in facts.python)
    for minor in minors:
        told = Version(minor.rstrip("t"))
        if not first <= told <= Version(f"{last.major}.{last.minor + 1}"):
            yield f"there is no Python {minor}"


def _is_cuda(facts: Facts, cuda: str) -> bool:
    """Whether the tables know a CUDA, or it may come next: of the newest major or of the one after."""
    if cuda == "cpu" or cuda in facts.cuda:
        return True
    told, newest = Version(cuda), Version(list(facts.cuda)[-1])
    return told > newest and told.major <= newest.major + 1 and cuda not in facts.cuda_never
