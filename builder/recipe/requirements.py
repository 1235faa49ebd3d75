"""Cell + matrix + facts → what the environment holds, in a resolver's words."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.cell import Cell
from builder.errors import CellError, InputError, Problem
from builder.facts import Constraint, Facts
from builder.facts.answers import COMPANIONS
from builder.matrix import Matrix
from builder.names import variant
from builder.source.api import Order

_NAMED_FROM = Version("1.8.1")  # the first torch to name its default build too (pytorch.org's commands)
_ONE_WHEEL_FROM = Version("0.29.2")  # torchvision: one wheel for all builds (PyPI, 2026-10-28)


def torch_version(cell: Cell) -> str:
    """torch with the local version that its wheel has on PyTorch's index: `2.8.0+cu126`."""
    return f"{cell.torch}+{variant(cell.cuda)}"


def order(cell: Cell, matrix: Matrix, facts: Facts) -> Order:
    """What to install for a cell: torch, companions, the matrix's packages, and pip for images built on it.

    Raises `InputError` for what is no requirement (an option, a URL, torch itself), and `CellError` for a
    companion that has no release for this torch and Python.
    """
    wanted = tuple(_requirement(text) for text in matrix.pip)
    row = facts.os[cell.os]
    besides = facts.requirements(cell.torch, cell.python, row.glibc)
    extra = _missing(wanted, (*(item.requirement for item in besides), "pip"))
    exact = (_torch(cell, facts), *(_companion(item, cell, facts, local=True) for item in wanted), *extra)
    loose = (f"torch=={cell.torch}", *(_companion(item, cell, facts, local=False) for item in wanted), *extra)
    return Order(
        requirements=exact,
        constraints=tuple(item.requirement for item in constraints(cell, facts)),
        fallback=loose if facts.index_has_build(cell.torch, cell.cuda, cell.arch) else None,
        index=facts.pytorch_index(variant(cell.cuda)),
        python=cell.python,
        arch=cell.arch,
        glibc=row.glibc,
        standalone=cell.provider == "standalone",
    )


def constraints(cell: Cell, facts: Facts) -> tuple[Constraint, ...]:
    """The bounds that the tables' traps make necessary for this cell."""
    return facts.constraints(cell.torch, cell.python, facts.os[cell.os].glibc)


def pinned(order: Order) -> tuple[tuple[str, str], ...]:
    """What an order names to the exact version, torch aside, sorted: normalized name, version."""
    found: dict[str, str] = {}
    for text in order.requirements[1:]:
        item = Requirement(text)
        exact = [bound.version for bound in item.specifier if bound.operator in ("==", "===")]
        if exact and "*" not in exact[0] and item.marker is None:
            found[canonicalize_name(item.name)] = exact[0]
    return tuple(sorted(found.items()))


def requirements_txt(order: Order) -> bytes:
    """The requirements as a file for pip or uv, PyTorch's index as an option line."""
    lines = (
        "# torch for this cell, what fits it, the matrix's packages, and pip for images built on this one.",
        f"--extra-index-url {order.index}",
        *order.requirements,
    )
    return _text(lines)


def constraints_txt(items: tuple[Constraint, ...]) -> bytes:
    """The bounds as a file, each below the trap that it keeps out of."""
    lines = ["# Bounds that known traps make necessary."]
    for item in items:
        lines += [f"# {item.trap}: {' '.join(item.source.split())}", item.requirement]
    return _text(lines)


def _text(lines: tuple[str, ...] | list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _requirement(text: str) -> Requirement:
    """One line of packages.pip. A file that pip reads may hold options and URLs; a matrix may not."""
    try:
        item = Requirement(text)
    except InvalidRequirement as error:
        raise InputError.of(
            f"{text!r} is not a requirement", hint="packages.pip takes names with versions, such as numpy>=2"
        ) from error
    if item.url or not text.isprintable():
        raise InputError.of(
            f"{item.name} is asked for by a URL",
            hint="packages come from the package index, by name and version",
        )
    if canonicalize_name(item.name) == "torch":
        raise InputError.of(
            "torch is asked for among the packages", hint="torch is an axis: write it there alone"
        )
    return item


def _missing(wanted: tuple[Requirement, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that nobody asked for."""
    there = {canonicalize_name(item.name) for item in wanted}
    return tuple(name for name in names if canonicalize_name(Requirement(name).name) not in there)


def _torch(cell: Cell, facts: Facts) -> str:
    return f"torch=={cell.torch if _nameless(cell, facts) else torch_version(cell)}"


def _nameless(cell: Cell, facts: Facts) -> bool:
    """Whether PyTorch's own index may have this build without a local version.

    So are old CPU wheels for aarch64, and the default build (CUDA 10.2) up to 1.8.0. The package index has
    the same, so that the bare version means this build there too.
    """
    old = Version(cell.torch) < _NAMED_FROM or (cell.arch == "aarch64" and cell.cuda == "cpu")
    return old and facts.index_has_build(cell.torch, cell.cuda, cell.arch)


def _companion(item: Requirement, cell: Cell, facts: Facts, *, local: bool) -> str:
    """A requirement as it is, or with the tables' version where it is a companion without one of its own."""
    name = canonicalize_name(item.name)
    if name not in COMPANIONS or item.specifier:
        return str(item)
    version = facts.companion(name, cell.torch, cell.python)
    if version is None:
        message = f"no release of {name} is known for torch {cell.torch} on Python {cell.python}"
        hint = f"leave {name} out, write its version in packages.pip, or choose another Python"
        raise CellError((Problem(message=message, hint=hint, cell=cell.id),))
    named = local and _has_builds(name, version, cell) and not _nameless(cell, facts)
    suffix = f"+{variant(cell.cuda)}" if named else ""
    extras = f"[{','.join(sorted(item.extras))}]" if item.extras else ""
    marker = f" ; {item.marker}" if item.marker else ""
    return f"{name}{extras}=={version}{suffix}{marker}"


def _has_builds(name: str, version: str, cell: Cell) -> bool:
    """Whether PyTorch's index surely has this release once per CUDA variant, told apart by a local version.

    Otherwise the bare version serves: it means any build, and a resolver takes PyTorch's before others.
    torchvision stopped naming builds at 0.29.2; torchaudio began with 2.0, and 2.11.0, the last, has those of
    torch 2.11 alone; torchao's do not follow torch's variants; wheels for aarch64 are not named throughout.
    """
    if cell.arch != "x86_64":
        return False
    if name == "torchvision":
        return Version(version) < _ONE_WHEEL_FROM
    return name == "torchaudio" and _minor(version) == _minor(cell.torch)


def _minor(version: str) -> tuple[int, ...]:
    return Version(version).release[:2]
