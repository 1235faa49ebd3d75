"""The possible cells nearest to one that is not: few axes changed, in the order people would choose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice

from builder.cell.judge import Judge
from builder.cell.rules import minor_of
from builder.names import cell_id, version_key

MOST = 3
# What people change first: torch, CUDA, Python, OS. Subsets of one size come out in that order, too.
_AXES = ("torch", "cuda", "python", "os")

Point = tuple[str, str, str, str]  # os, python, cuda, torch


class Atlas:
    """Finds neighbours under one judge; remembers where there are none."""

    def __init__(self, judge: Judge, architecture: str = "") -> None:
        self._judge = judge
        self._architecture = architecture  # with which ids end, where a matrix has several
        self._empty: set[tuple[str | bool | None, ...]] = set()  # fixed values, and whether for the CPU
        self._near_os = cache(self._order_os)
        self._near_python = cache(self._order_python)
        self._near_cuda = cache(self._order_cuda)
        self._near_torch = cache(self._order_torch)

    def nearest(self, os: str, python: str, cuda: str, torch: str) -> tuple[str, ...]:
        """Ids of up to three possible cells, nearest first, all with equally many axes changed."""
        here = (os, python, cuda, torch)
        for size in range(1, len(_AXES) + 1):
            searches = [self._found(here, changing) for changing in combinations(_AXES, size)]
            turns = (point for _ in range(MOST) for search in searches for point in islice(search, 1))
            found = tuple(islice(turns, MOST))
            if found:
                return tuple(
                    cell_id(os=o, python=p, cuda=c, torch=t, architecture=self._architecture)
                    for o, p, c, t in found
                )
        return ()

    def _found(self, here: Point, changing: tuple[str, ...]) -> Iterator[Point]:
        """Up to three possible cells that differ in exactly these axes."""
        axes = zip(("os", "python", "cuda", "torch"), here, strict=True)
        fixed = (*(None if axis in changing else value for axis, value in axes), here[2] == "cpu")
        if fixed in self._empty:
            return
        found = islice(self._search(here, changing), MOST)
        first = next(found, None)
        if first is None:
            self._empty.add(fixed)
            return
        yield first
        yield from found

    def _search(self, here: Point, changing: tuple[str, ...]) -> Iterator[Point]:
        os, python, cuda, torch = here
        for near_os in self._near_os(os) if "os" in changing else (os,):
            for near_python in self._near_python(python) if "python" in changing else (python,):
                for near_cuda, near_torch in self._builds((near_os, near_python, cuda, torch), changing):
                    yield (near_os, near_python, near_cuda, near_torch)

    def _builds(self, here: Point, changing: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """CUDA and torch of possible cells; where both may change, the nearest torch comes first."""
        os, python, cuda, torch = here
        cudas = self._near_cuda(cuda) if "cuda" in changing else (cuda,)
        left = ((near, self._judge.releases(os, python, near)) for near in cudas)
        if "torch" not in changing:
            own = self._judge.bit(torch)
            yield from ((near, torch) for near, releases in left if releases & own)
            return
        near_torch = self._near_torch(torch)
        each = MOST if changing == ("torch",) else 1
        found = []
        for near, releases in left:
            fitting = ((n, release) for n, (release, bit) in enumerate(near_torch) if releases & bit)
            found += [(n, near, release) for n, release in islice(fitting, each)]
        yield from ((near, release) for _, near, release in sorted(found, key=lambda one: one[0]))

    def _order_torch(self, torch: str) -> tuple[tuple[str, int], ...]:
        """Other releases with their bits: patches of the same minor, then near minors, newest patch first."""
        releases = [release for release in self._judge.facts.torch if release != torch]
        minors = sorted({_minor(release) for release in (*releases, torch)}, key=version_key)
        here = minors.index(_minor(torch))
        newest_first = sorted(releases, key=version_key, reverse=True)
        ordered = sorted(newest_first, key=lambda release: abs(minors.index(_minor(release)) - here))
        return tuple((release, self._judge.bit(release)) for release in ordered)

    def _order_cuda(self, cuda: str) -> tuple[str, ...]:
        """Other CUDA versions: those of the same major first. A CPU and a GPU build are no neighbours."""
        if cuda == "cpu":
            return ()
        versions = [version for version in self._judge.cudas if version != "cpu"]
        steps = sorted({*versions, cuda}, key=version_key)
        here, major = steps.index(cuda), cuda.partition(".")[0]
        others = [version for version in reversed(versions) if version != cuda]
        return tuple(sorted(others, key=lambda v: (v.partition(".")[0] != major, abs(steps.index(v) - here))))

    def _order_python(self, python: str) -> tuple[str, ...]:
        """Other minors: those with the same threading first, newer before older at the same distance."""
        minor = minor_of(python)
        threaded = minor.endswith("t")
        steps = sorted({p.rstrip("t") for p in (*self._judge.pythons, minor)}, key=version_key)
        here = steps.index(minor.rstrip("t"))
        others = [other for other in reversed(self._judge.pythons) if other != python]
        return tuple(
            sorted(
                others, key=lambda p: (p.endswith("t") != threaded, abs(steps.index(p.rstrip("t")) - here))
            )
        )

    def _order_os(self, os: str) -> tuple[str, ...]:
        """Other releases: supported ones first, then by distribution, family, package manager and glibc."""
        facts = self._judge.facts
        here = facts.os[os]

        def distance(name: str) -> tuple[bool, bool, bool, bool, int]:
            row = facts.os[name]
            glibc = abs(int(row.glibc.split(".")[1]) - int(here.glibc.split(".")[1]))
            other = _distribution(name) != _distribution(os)
            return (row.eol < facts.day, other, row.family != here.family, row.pkg != here.pkg, glibc)

        return tuple(sorted((name for name in facts.os if name != os), key=distance))


def _minor(release: str) -> str:
    return ".".join(release.split(".")[:2])


def _distribution(os: str) -> str:
    """`centos-stream9` → `centos`."""
    return re.split(r"[-\d]", os, maxsplit=1)[0]
