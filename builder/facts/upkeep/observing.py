"""What the indexes say of each torch release today, as rows of the tables; and what could not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from packaging.version import Version

from builder.errors import EnvbuildError, OutsideError
from builder.facts.upkeep import builds, companions, requiring
from builder.facts.upkeep.companions import Companion
from builder.facts.upkeep.wheels import ARCHES, Release, Wheel, releases
from builder.source.package_index import PackageIndex

# The oldest releases that the tables know, or look at.
FIRST = {"torch": "1.7.0", "torchvision": "0.8.0", "torchaudio": "0.7.0", "torchao": "0.17.0"}
AT_ONCE = 8
PYTORCH, MATRIX = "builds on PyTorch's index", "PyTorch's release matrix"  # questions to others

Row = Mapping[str, Any]  # as a table's file holds it
Asked = TypeVar("Asked")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A question that got no answer, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the indexes say. A row has only the fields that could be told; `hashes` are by release and wheel.

    `matrix` are the builds of PyTorch's release matrix by minor. `index` and `pytorch` are addresses to show;
    `pytorch` None where PyTorch's index did not answer.
    """

    index: str
    pytorch: str | None
    rows: Mapping[str, Row]
    hashes: Mapping[str, Mapping[str, str]]
    matrix: Mapping[str, tuple[str, ...]]
    unknown: tuple[Unknown, ...]

    @property
    def read(self) -> tuple[str, ...]:
        """The tables that were read whole: torch's on the package index, its builds' on PyTorch's."""
        whole = all(one.what in (PYTORCH, MATRIX) for one in self.unknown)
        return (*(["torch"] if whole else []), *(["builds"] if self.pytorch is not None else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Questions:
    """An index to ask, and the questions that it did not answer."""

    index: PackageIndex
    unknown: list[Unknown] = field(default_factory=list)

    def all(self, ask: Callable[[Asked], Found], about: Iterable[Asked]) -> list[Found]:
        """The answers, in order; several questions are under way at a time."""
        with ThreadPoolExecutor(AT_ONCE, "index") as pool:
            return list(pool.map(ask, about))

    def answer(self, what: str, ask: Callable[[], Found]) -> Found | None:
        """An answer; None where there is none, which is then among the unknown."""
        try:
            return ask()
        except EnvbuildError as error:
            self.unknown.append(Unknown(what=what, reason=str(error)))
        except ValueError as error:
            self.unknown.append(Unknown(what=what, reason=f"not understood: {error}"))
        return None


def observe(index: PackageIndex, pytorch: str = builds.INDEX, matrix: str = builds.MATRIX) -> Observed:
    """Ask the package index about torch and its companions, and PyTorch's own pages where they answer.

    Raises `OutsideError` where the package index has no page about torch, or one that names no wheels; all
    else that is not answered is among `unknown`.
    """
    asking = _Questions(index=index)
    found = releases(index.files("torch"), FIRST["torch"])
    if not found:
        message = f"{index.address}/torch/ names no wheel of torch"
        raise OutsideError.of(message, hint="is it a package index, and did it let you in?")
    rows = dict(zip(found, asking.all(lambda one: _row(asking, one), found.values()), strict=True))
    _add_companions(asking, found, rows)
    bare = [version for version, release in found.items() if not release.hashes]
    if bare:
        why = f"the index does not tell those of {', '.join(bare)}"
        asking.unknown.append(Unknown(what="hashes of torch's wheels", reason=why))
    known = asking.answer(
        PYTORCH,
        lambda: builds.of_index(index.at(pytorch).files("torch"), FIRST["torch"]),
    )
    for release, by_arch in (known or {}).items():
        if release in rows:
            rows[release]["variants"] = list(by_arch.get("x86_64", ()))
            rows[release]["aarch64_variants"] = list(by_arch.get("aarch64", ()))
    page = asking.answer(MATRIX, lambda: index.page(matrix).content)
    return Observed(
        index=index.address,
        pytorch=None if known is None else index.at(pytorch).address,
        rows=rows,
        hashes={version: release.hashes for version, release in found.items()},
        matrix=builds.of_matrix((page or b"").decode("utf-8", "replace")),
        unknown=tuple(sorted(asking.unknown, key=lambda one: one.what)),
    )


def _row(asking: _Questions, release: Release) -> dict[str, Any]:
    arches = [arch for arch in ARCHES if release.python(arch)]
    row: dict[str, Any] = {"released": release.released} if release.released else {}
    row["python"] = {arch: list(release.python(arch)) for arch in arches}
    row["glibc"] = {arch: release.glibc(arch) for arch in arches}
    defaults: dict[str, str] = {}
    for arch in arches:
        wheel = release.typical(arch)
        what = f"torch {release.version} for {arch}"
        read = wheel and asking.answer(what, partial(_asked, asking, wheel))
        if read:
            defaults[arch], brought = read
            row.update(brought if arch == "x86_64" else {})
    return {**row, "default_cuda": defaults} if len(defaults) == len(arches) else row


def _asked(asking: _Questions, wheel: Wheel) -> tuple[str, dict[str, str]]:
    """The CUDA that a torch wheel is built for, and what it asks for beside."""
    asked = requiring.requirements(
        asking.index.metadata(wheel.file), wheel.arch or "", wheel.python or "3.11"
    )
    told = requiring.cuda(asked)
    if told is None:
        told = requiring.built_for(asking.index.member(wheel.file, "torch/version.py"))
    return told, requiring.parts(asked)


def _add_companions(
    asking: _Questions, found: Mapping[str, Release], rows: Mapping[str, dict[str, Any]]
) -> None:
    for package in ("torchvision", "torchaudio"):
        known = asking.answer(package, partial(_companions, asking, package))
        for version, release in found.items() if known else ():
            fitting = companions.fitting(known or [], release)
            rows[version].update({} if fitting is None else {package: list(fitting)})
        if known and any(package not in row for row in rows.values()):
            why = "the index does not tell on which days its files were uploaded"
            asking.unknown.append(Unknown(what=f"which {package} goes with which torch", reason=why))
    page = asking.answer("torchao", lambda: releases(asking.index.files("torchao"), FIRST["torchao"]))
    for version in found if page else ():
        fitting = companions.torchao(list(page or ()), version)
        if fitting:
            rows[version]["torchao"] = list(fitting)


def _companions(asking: _Questions, package: str) -> list[Companion]:
    """The releases of a companion whose wheels could be read."""
    page = releases(asking.index.files(package), FIRST[package])
    read = asking.all(lambda release: _companion(asking, package, release), page.values())
    return sorted((one for one in read if one), key=lambda one: Version(one.version))


def _companion(asking: _Questions, package: str, release: Release) -> Companion | None:
    wheel = release.typical("x86_64")
    if wheel is None:
        return None
    content = asking.answer(f"{package} {release.version}", lambda: asking.index.metadata(wheel.file))
    if content is None:
        return None
    asked = requiring.requirements(content, "x86_64", wheel.python or "3.11")
    return Companion(version=release.version, uploaded=release.released, torch=asked.get("torch"))
