"""The cells whose recipes are kept as golden files, and how to make one cell or matrix for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.cell import Cell
from builder.facts import Facts
from builder.matrix import Matrix
from builder.names import cell_id, variant, version_key
from builder.recipe import Recipe, write

HERE = Path(__file__).parent
OSES = (
    *(
        "ubuntu18.04",
        "ubuntu20.04",
        "ubuntu22.04",
        "ubuntu24.04",
        "ubuntu26.04",
        "debian11",
        "debian12",
        "debian13",
    ),
    *("centos7", "centos8", "centos-stream8", "centos-stream9", "centos-stream10"),
    *("rocky8", "rocky9", "rocky10", "alma8", "alma9", "alma10"),
)
TORCH_OF_PYTHON = {"3.6": "1.10.2", "3.8": "2.4.1", "3.14": "2.10.0"}
CUDA_OF_TORCH = {
    "1.10.2": "11.1",
    "1.13.1": "11.7",
    "2.4.1": "12.1",
    "2.5.1": "12.4",
    "2.8.0": "12.8",
    "2.10.0": "12.8",
}
WHOLE = (
    "debian12-py3.11-cpu-torch2.8.0-system-runtime",
    "centos7-py3.7-cu117-torch1.13.1-conda-runtime",
    "ubuntu24.04-py3.11-cu129-torch2.8.0-standalone-devel",
    "rocky8-py3.6-cu111-torch1.10.2-system-runtime",
)


def cell(**wanted: Any) -> Cell:
    """One possible cell; what is not named is the quickstart's."""
    fields: dict[str, Any] = {
        "os": "debian12",
        "python": "3.11",
        "cuda": "cpu",
        "torch": "2.8.0",
        "arch": "x86_64",
        "provider": "system",
        "flavor": "runtime",
        **wanted,
    }
    axes = {axis: fields[axis] for axis in ("os", "python", "cuda", "torch")}
    fields.setdefault("id", cell_id(**axes))
    return Cell(**fields, verdict="possible", status="kept", reasons=(), tags=())


def matrix(**wanted: Any) -> Matrix:
    """A matrix of which a recipe reads packages, settings, user and verify alone."""
    return Matrix(
        path=Path("m.yaml"),
        name="m",
        image="example.com/t",
        tags=(),
        os=(),
        python=(),
        cuda=(),
        torch=(),
        **wanted,
    )


def team_matrix() -> Matrix:
    """The one that golden recipes are made of."""
    return matrix(
        pip=("torchvision", "torchaudio", "numpy"),
        system=("git",),
        settings=(("OMP_NUM_THREADS", "4"), ("TORCH_HOME", "/models/torch")),
    )


def golden_cells(facts: Facts) -> Iterator[Cell]:
    """Each OS by each provider: cpu, CUDA runtime, CUDA devel where there is such an image."""
    for os in OSES:
        for provider in ("standalone", "system", "conda"):
            python, torch = _fitting(os, provider, facts)
            for cuda, flavor in _kinds(os, torch, facts):
                yield cell(os=os, python=python, cuda=cuda, torch=torch, provider=provider, flavor=flavor)


def key(cell: Cell) -> str:
    """A golden recipe's file name, without its suffix."""
    return f"{cell.id}-{cell.provider}-{cell.flavor}"


def expected(facts: Facts) -> dict[str, bytes]:
    """Every golden file: path below this folder → content."""
    recipes = {key(cell): write(cell, team_matrix(), facts) for cell in golden_cells(facts)}
    flat = {f"dockerfiles/{name}.Dockerfile": _dockerfile(recipe) for name, recipe in recipes.items()}
    whole = {f"folders/{name}/{path}": content for name in WHOLE for path, content in recipes[name].files}
    return flat | whole


def kept() -> set[str]:
    """The golden files that are there."""
    folders = (HERE / "dockerfiles", HERE / "folders")
    return {p.relative_to(HERE).as_posix() for f in folders for p in f.rglob("*") if p.is_file()}


def _dockerfile(recipe: Recipe) -> bytes:
    return dict(recipe.files)["Dockerfile"]


def _fitting(os: str, provider: str, facts: Facts) -> tuple[str, str]:
    """A Python that the provider has there, and a torch for it."""
    if provider == "system":
        python = facts.os[os].system_python
    elif provider == "conda" and os == "centos7":
        return "3.7", "1.13.1"
    else:
        python = "3.11" if provider == "standalone" else "3.10"
    newest = "2.8.0" if version_key(facts.os[os].glibc) >= version_key("2.28") else "2.5.1"
    return python, TORCH_OF_PYTHON.get(python, newest)


def _kinds(os: str, torch: str, facts: Facts) -> Iterator[tuple[str, str]]:
    yield "cpu", "runtime"
    yield CUDA_OF_TORCH[torch], "runtime"
    builds = facts.torch[torch].variants
    devel = [cuda for cuda in facts.cuda if variant(cuda) in builds and facts.devel_image(os, cuda)]
    if devel:
        yield devel[-1], "devel"
