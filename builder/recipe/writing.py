"""Cell + matrix + facts → Recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import builder
from builder.cell import Cell
from builder.errors import CellError, InputError, Problem
from builder.facts import Facts, OsRow
from builder.matrix import Matrix, User
from builder.names import CELL_ID
from builder.recipe import quoting, requirements
from builder.recipe.config import executed
from builder.recipe.dockerfile import instructions
from builder.recipe.page import Pages, Use, Values
from builder.recipe.storage import folders_txt
from builder.recipe.values import Claim, Recipe

UV_IMAGE = "ghcr.io/astral-sh/uv:0.13.9"
PREFIX = "/opt/env"


def templates_folder() -> Path:
    """envbuild's own templates: inside the package where it is installed, beside it in a checkout."""
    package = Path(builder.__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def write(cell: Cell, matrix: Matrix, facts: Facts, templates: Path | None = None) -> Recipe:
    """The recipe of one cell. Files of the folder `templates` shadow envbuild's own of the same name.

    Raises `InputError` for a value or template that cannot be used, `CellError` for what a cell cannot have.
    """
    row, base = facts.os[cell.os], _base(cell, facts)
    if not CELL_ID.fullmatch(cell.id):
        raise InputError.of(f"{cell.id!r} is not the id of a cell", hint="see `envbuild plan` for the ids")
    pages = _pages(_shadowed(templates))
    order = requirements.order(cell, matrix, facts)
    values = _values(cell, matrix, base)
    page = pages.dockerfile(_use(cell, row), values)
    files = {
        "Dockerfile": page.encode(),
        "os/packages.txt": _lines((*_own_packages(pages, cell, row), *quoting.package_names(matrix.system))),
        "python/version.txt": _lines((cell.python,)),
        "env/requirements.txt": requirements.requirements_txt(order),
        "env/constraints.txt": requirements.constraints_txt(requirements.constraints(cell, facts)),
        "os/folders.txt": folders_txt(values.settings),
        "env/wheels/.keep": b"",
    }
    question = pages.question(_use(cell, row).os) if cell.provider != "conda" else ""
    return Recipe(
        cell=cell,
        base=base,
        files=tuple(sorted(files.items())),
        order=order,
        claim=_claim(cell, row.release, matrix, requirements.pinned(order)),
        digest=_digest(sorted(files.items())),
        os_digest=_digest(_read_by_os(base, files)),
        os_question=question,
        os_asked=_digest((("question", question.encode()), ("packages", files["os/packages.txt"]))),
        custom=templates is not None and executed(page) != executed(_own_page(cell, row, values)),
    )


@cache
def _pages(folders: tuple[Path, ...]) -> Pages:
    """Compiled once per process; a file that changes is read again."""
    return Pages(folders)


def _own_page(cell: Cell, row: OsRow, values: Values) -> str:
    """What envbuild's own templates make of the same."""
    return _pages((templates_folder(),)).dockerfile(_use(cell, row), values)


def _shadowed(templates: Path | None) -> tuple[Path, ...]:
    if templates is None:
        return (templates_folder(),)
    if not templates.is_dir():
        raise InputError.of(
            f"{templates} is no folder", hint="--templates takes a folder with templates of your own"
        )
    return (templates, templates_folder())


def _base(cell: Cell, facts: Facts) -> str:
    """The plain OS image; NVIDIA's where a compiler for CUDA is wanted."""
    if cell.flavor == "runtime" or cell.cuda == "cpu":
        return facts.os[cell.os].image
    image = facts.devel_image(cell.os, cell.cuda)
    if image is None:
        raise _not_for(
            cell, f"NVIDIA has no devel image for {cell.os} and CUDA {cell.cuda}", "take flavor: runtime"
        )
    return image


def _use(cell: Cell, row: OsRow) -> Use:
    cuda = "cpu" if cell.cuda == "cpu" else cell.flavor
    if row.pkg == "yum":
        return Use(os="centos7", python=cell.provider, cuda=cuda)
    os = "centos-vault" if row.mirrors == "vault" else row.family
    return Use(os=os, python=cell.provider, cuda=cuda)


def _values(cell: Cell, matrix: Matrix, base: str) -> Values:
    user = quoting.account(matrix.user)
    return Values(
        cell=cell,
        torch=requirements.torch_version(cell),
        base=base,
        uv_image=UV_IMAGE,
        user=user,
        home=_home(user),
        settings=quoting.setting_names(matrix.settings),
    )


def _home(user: User) -> str:
    return "/root" if user.uid == 0 else f"/home/{user.name}"


def _own_packages(pages: Pages, cell: Cell, row: OsRow) -> tuple[str, ...]:
    """What the distribution must bring, its Python included where that is the provider."""
    python = None
    if cell.provider == "system":
        minor = ".".join(cell.python.split(".")[:2])
        if minor not in (row.system_python, *row.extra_python):
            packaged = ", ".join((row.system_python, *row.extra_python))
            message = f"{cell.os} itself packages Python {packaged}, not {cell.python}"
            raise _not_for(cell, message, "take python: {provider: standalone}")
        python = (minor, row.system_python)
    return pages.packages(_use(cell, row).os, python, devel=cell.flavor == "devel")


def _claim(cell: Cell, release: str, matrix: Matrix, packages: tuple[tuple[str, str], ...]) -> Claim:
    return Claim(
        os=release,
        python=cell.python,
        torch=requirements.torch_version(cell),
        cuda=None if cell.cuda == "cpu" else cell.cuda,
        arch=cell.arch,
        flavor=cell.flavor,
        user=matrix.user.name,
        uid=matrix.user.uid,
        prefix=PREFIX,
        packages=packages,
        settings=matrix.settings,
        gpus=matrix.verify.gpus,
    )


def _read_by_os(base: str, files: dict[str, bytes]) -> Iterable[tuple[str, bytes]]:
    """What the stage `os` is made of: the base, the steps before the last stage, the files they mount."""
    steps = instructions(files["Dockerfile"].decode())
    last = max(number for number, step in enumerate(steps) if step.keyword == "FROM")
    yield "base", base.encode()
    for step in steps[:last]:
        yield step.keyword, step.text.encode()
        for source in step.sources:
            yield from (
                (path, content) for path, content in sorted(files.items()) if path.startswith(f"{source}/")
            )


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    total = hashlib.sha256()
    for name, content in parts:
        total.update(f"{len(name.encode())} {name} {len(content)} ".encode() + content)
    return f"sha256:{total.hexdigest()}"


def _lines(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _not_for(cell: Cell, message: str, hint: str) -> CellError:
    return CellError((Problem(message=message, hint=hint, cell=cell.id),))
