"""YAML files of this folder → `Facts`. A table that does not fit its rows is a bug: nothing is forgiven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from builder import yamldoc
from builder.facts.answers import Facts
from builder.facts.rows import (
    Architectures,
    CapabilityRow,
    CudaRow,
    Gap,
    GpuRow,
    OsRow,
    ProviderRow,
    PythonRow,
    SourceRow,
    Table,
    TorchRow,
    Trap,
)
from builder.names import version_key

Row = TypeVar("Row")

FOLDER = Path(__file__).parent
TABLES = (
    "torch",
    "cuda",
    "os",
    "python",
    "gpu",
    "traps",
)  # beside sources, whose rows have dates of their own
BUILDS = "builds"  # the part of torch's table that says which builds there are

_CONDITIONS = (
    "torch",
    "python",
    "glibc",
    "cuda",
    "flavor",
    "provider",
    "arch",
    "package",
    "requirement",
    "fix",
)


@cache
def shipped() -> Mapping[str, Any]:
    """The tables of this folder as plain text by name (`torch`), read once per process (25 ms).

    Nobody may change what it returns. Raises `InputError` only if the installation is damaged.
    """
    return {name: yamldoc.read_table(FOLDER / f"{name}.yaml") for name in (*TABLES, "sources")}


@cache
def wheels() -> Mapping[str, Mapping[str, str]]:
    """The sha256 of each Linux wheel of torch on the package index: by release, and by build and tags."""
    found: Mapping[str, Mapping[str, str]] = yamldoc.read_table(FOLDER / "wheels.yaml")["wheels"]
    return found


@cache
def load() -> Facts:
    """The shipped tables."""
    return assemble(shipped())


def assemble(raw: Mapping[str, Any]) -> Facts:
    """Tables as plain text → `Facts`."""
    torch, cuda, python = raw["torch"], raw["cuda"], raw["python"]
    dates = {
        "torch": torch["meta"],
        BUILDS: torch[BUILDS],
        **{name: raw[name]["meta"] for name in TABLES[1:]},
    }
    tables = {name: Table(name=name, **days) for name, days in dates.items()}
    return Facts(
        date=tables["torch"].verified,
        tables=_frozen(tables),
        os=_rows(raw["os"]["releases"], _os),
        torch=_rows(torch["releases"], _torch, by_version=True),
        cuda=_rows(cuda["releases"], _cuda, by_version=True),
        cuda_never=_frozen({version: row["reason"] for version, row in cuda["never"].items()}),
        python=_rows(python["releases"], _python, by_version=True),
        providers=_rows(python["providers"], _provider),
        gaps=tuple(_gap(row) for row in python["gaps"]),
        traps=tuple(_rows(raw["traps"]["traps"], _trap).values()),
        architectures=tuple(_architectures(row) for row in torch["architectures"]),
        capabilities=_rows(raw["gpu"]["capabilities"], _capability, by_version=True),
        gpus=tuple(gpu for name, row in raw["gpu"]["capabilities"].items() for gpu in _gpus(name, row)),
        sources=_rows(raw["sources"]["sources"], _source),
    )


def _rows(table: Any, read: Callable[[str, Any], Row], *, by_version: bool = False) -> Mapping[str, Row]:
    """The rows by name: in the order of the file, or oldest version first."""
    names = sorted(table, key=version_key) if by_version else table
    return _frozen({name: read(name, table[name]) for name in names})


def _frozen(items: dict[str, Row]) -> Mapping[str, Row]:
    return MappingProxyType(items)


def _texts(row: Any, key: str) -> tuple[str, ...]:
    return tuple(row.get(key, ()))


def _cited(row: Any, key: str = "source") -> str:
    """Keys of sources.yaml, as one word each."""
    return " ".join(row[key])


def _os(name: str, row: Any) -> OsRow:
    return OsRow(
        name=name,
        family=row["family"],
        codename=row.get("codename"),
        glibc=row["glibc"],
        eol=row["eol"],
        eol_extended=row.get("eol_extended"),
        image=row["image"],
        image_status=row["image_status"],
        pkg=row["pkg"],
        system_python=row["system_python"],
        extra_python=_texts(row, "extra_python"),
        gcc=row.get("gcc"),
        mirrors=row["mirrors"],
        cpu=row.get("cpu"),
        cpu_source=_cited(row, "cpu_source" if "cpu_source" in row else "source"),
        executable_stack_refused=row.get("executable_stack_refused") == "yes",
        source=_cited(row),
    )


def _torch(version: str, row: Any) -> TorchRow:
    return TorchRow(
        version=version,
        released=row["released"],
        python=_frozen({arch: tuple(minors) for arch, minors in row["python"].items()}),
        python_unconfirmed=_texts(row, "python_unconfirmed"),
        glibc=_frozen(dict(row["glibc"])),
        glibc_by_variant=_frozen(dict(row.get("glibc_by_variant", {}))),
        glibc_inferred=_texts(row, "glibc_inferred"),
        variants=_texts(row, "variants"),
        variants_unconfirmed=_texts(row, "unconfirmed"),
        variants_aarch64=_texts(row, "aarch64_variants"),
        default_cuda=_frozen({a: None if c == "cpu" else c for a, c in row["default_cuda"].items()}),
        torchvision=_texts(row, "torchvision"),
        torchaudio=_texts(row, "torchaudio"),
        torchao=_texts(row, "torchao"),
        cudnn=row.get("cudnn"),
        nccl=row.get("nccl"),
        triton=row.get("triton"),
        numpy2=row.get("numpy2") == "yes",
        executable_stack=row.get("executable_stack") == "yes",
        note=row.get("note"),
        source=_cited(row),
        variants_source=_cited(row, "variants_source"),
    )


def _cuda(version: str, row: Any) -> CudaRow:
    return CudaRow(
        version=version,
        min_driver=row["min_driver"],
        toolkit_driver=row["toolkit_driver"],
        last_driver=row.get("last_driver", row["toolkit_driver"]),
        archs=(row["archs"]["min"], row["archs"]["max"]),
        gcc_below=int(row["gcc_below"]) if "gcc_below" in row else None,
        driver_branches=_texts(row, "driver_branches"),
        devel_images=_frozen(dict(row.get("devel", {}))),
        devel_unconfirmed=_texts(row, "devel_unconfirmed"),
        listed=row.get("listed") != "no",
        source=_cited(row),
    )


def _python(version: str, row: Any) -> PythonRow:
    return PythonRow(version=version, eol=row.get("eol"), source=_cited(row))


def _provider(name: str, row: Any) -> ProviderRow:
    return ProviderRow(
        name=name,
        title=row["title"],
        python=_texts(row, "python"),
        python_unconfirmed=_texts(row, "python_unconfirmed"),
        newest_patch=_frozen({minor: int(patch) for minor, patch in row.get("newest_patch", {}).items()}),
        glibc=row["glibc"],
        source=_cited(row),
    )


def _gap(row: Any) -> Gap:
    return Gap(
        package=row["package"],
        torch=row.get("torch"),
        release=row.get("release"),
        python=row["python"],
        source=_cited(row),
    )


def _architectures(row: Any) -> Architectures:
    return Architectures(
        torch=row["torch"],
        arch=row["arch"],
        variants=tuple(row["variants"]),
        archs=tuple(row["archs"]),
        source=_cited(row),
    )


def _capability(name: str, row: Any) -> CapabilityRow:
    return CapabilityRow(
        capability=name,
        first_driver=row.get("first_driver"),
        last_branch=row.get("last_branch"),
        source=_cited(row),
    )


def _gpus(capability: str, row: Any) -> Iterator[GpuRow]:
    for source, names in {_cited(row): row["gpus"], **row.get("others", {})}.items():
        for name in names:
            yield GpuRow(name=name, capability=capability, source=source)


def _trap(trap: str, row: Any) -> Trap:
    return Trap(
        id=trap,
        level=row["level"],
        bounded=row.get("bounded") == "yes",
        symptom=row["symptom"],
        cause=row["cause"],
        source=_cited(row),
        **{key: row.get(key) for key in _CONDITIONS},
    )


def _source(key: str, row: Any) -> SourceRow:
    return SourceRow(key=key, title=row["title"], url=row.get("url"), seen=row["seen"])
