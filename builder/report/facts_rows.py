"""Rows of the tables one by one: what they say, where it was read, and which file won."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import Version

from builder.facts import (
    Architectures,
    CudaRow,
    Facts,
    GpuRow,
    OsRow,
    PythonRow,
    SourceRow,
    Table,
    TorchRow,
    Trap,
)
from builder.facts.finding import Known, rows
from builder.names import cuda_version, matches, variant
from builder.records import plain
from builder.report.look import PLAIN, Look, paint, shown, wrap

SCHEMA = "envbuild.facts/1"
Line = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row of the tables. `origin`: the file it is from; `overlaid`: the fields that the overlay told."""

    table: Literal["torch", "cuda", "os", "python", "gpu", "traps"]
    name: str
    origin: Literal["shipped", "overlay", "both"]
    overlaid: tuple[str, ...]
    row: TorchRow | CudaRow | OsRow | PythonRow | GpuRow | Trap
    kernels: tuple[Architectures, ...]  # of torch: what its builds have kernels for
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What `envbuild facts show --json` prints. `date` is that of torch's table."""

    date: str
    overlay: str | None
    tables: tuple[Table, ...]
    rows: tuple[Told, ...]


def told(facts: Facts, known: Known, shipped: Facts) -> Told:
    """A row with its origin. `shipped` are the tables without an overlay."""
    overlaid = facts.overlaid.get((known.table, known.name), ())
    new = known.name not in rows(shipped, known.table)
    kernels = tuple(row for *_, row in _kernels(facts, known.row)) if isinstance(known.row, TorchRow) else ()
    more = (getattr(known.row, name, "") for name in ("variants_source", "cpu_source"))
    keys = [*known.row.source.split(), *(key for words in more for key in words.split())]
    keys += [key for row in kernels for key in row.source.split()]
    return Told(
        table=known.table,  # type: ignore[arg-type]
        name=known.name,
        origin="overlay" if new else "both" if overlaid else "shipped",
        overlaid=overlaid,
        row=known.row,
        kernels=tuple(dict.fromkeys(kernels)),
        sources=tuple(facts.sources[key] for key in dict.fromkeys(keys)),
    )


def as_json(facts: Facts, rows: Sequence[Told]) -> dict[str, Any]:
    """As data; see docs/facts.schema.json."""
    tables = tuple(facts.tables.values())
    document = Document(date=facts.date, overlay=facts.overlay, tables=tables, rows=tuple(rows))
    return {"schema": SCHEMA, **plain(document)}


def as_text(facts: Facts, one: Told, look: Look = PLAIN) -> str:
    """One row: what it says, which file it is from, its sources with their addresses."""
    called = f"{one.table} {one.name}".removeprefix("os ")
    lines = [paint(called, "bold", look)]
    for label, text in (*_said(facts, one), ("from", _origin(facts, one))):
        if text:
            lines += wrap(f"{label:<12} {text}", look, indent=2, hang=13)
    for source in one.sources:
        lines += wrap(f"{'source':<12} {source.title}, {source.seen}", look, indent=2, hang=13)
        lines += [f"{'':<15}{paint(shown(source.url), 'faint', look)}"] if source.url else []
    return "\n".join(lines)


def _origin(facts: Facts, one: Told) -> str:
    if one.origin == "shipped":
        table = facts.tables[one.table]
        return f"the shipped tables, verified {table.verified}"
    if one.origin == "overlay":
        return f"{facts.overlay}"
    return f"the shipped tables; {facts.overlay} tells {', '.join(one.overlaid)}"


def _said(facts: Facts, one: Told) -> Iterator[Line]:
    row = one.row
    if isinstance(row, TorchRow):
        yield from _torch(facts, row)
    elif isinstance(row, CudaRow):
        yield from _cuda(facts, row)
    elif isinstance(row, OsRow):
        yield from _os(facts, row)
    elif isinstance(row, PythonRow):
        yield from _python(facts, row)
    elif isinstance(row, GpuRow):
        yield from _gpu(facts, row)
    else:
        yield from _trap(row)


def _torch(facts: Facts, row: TorchRow) -> Iterator[Line]:
    yield "released", row.released
    for arch, minors in row.python.items():
        default = row.default_cuda.get(arch)
        yield arch, f"Python {', '.join(minors)}; glibc {row.glibc.get(arch)}"
        yield "", f"builds {', '.join(row.builds(arch))}"
        yield "", f"the package index's wheel is {f'for CUDA {default}' if default else 'a CPU build'}"
        for name, of_arch, known in _kernels(facts, row):
            if of_arch == arch:
                yield "", f"{name} has kernels for {', '.join(known.archs)} ({facts.cited(known.source)[0]})"
    for name, glibc in row.glibc_by_variant.items():
        yield (
            "glibc",
            f"{glibc} for {name}{' (concluded, not measured)' if name in row.glibc_inferred else ''}",
        )
    yield "unconfirmed", ", ".join((*row.variants_unconfirmed, *row.python_unconfirmed))
    brought = {"cuDNN": row.cudnn, "NCCL": row.nccl, "Triton": row.triton}
    yield "with", ", ".join(f"{name} {release}" for name, release in brought.items() if release)
    for name in ("torchvision", "torchaudio", "torchao"):
        yield name, ", ".join(getattr(row, name))
    bounds = [trap for trap in facts.traps if trap.torch and matches(trap.torch, row.version)]
    yield "traps", ", ".join(trap.id for trap in bounds)
    yield "note", row.note or ""


def _kernels(facts: Facts, row: TorchRow) -> Iterator[tuple[str, str, Architectures]]:
    """What each build (by architecture) has kernels for, as far as that is known."""
    for arch in row.python:
        for name in row.builds(arch):
            known = facts.kernels(row.version, cuda_version(name), arch)
            if known:
                yield name, arch, known


def _cuda(facts: Facts, row: CudaRow) -> Iterator[Line]:
    yield "driver", f"{row.min_driver} or newer; {row.toolkit_driver} came with it, {row.last_driver} last"
    yield "GPUs", f"compute capability {row.archs[0]} to {row.archs[1]}"
    yield "host GCC", f"below {row.gcc_below}" if row.gcc_below else ""
    name = variant(row.version)
    builds = [version for version, torch in facts.torch.items() if name in torch.builds("x86_64")]
    yield "torch", f"{name} of {builds[0]} to {builds[-1]}" if builds else "no build"
    for image in row.devel_images.values():
        yield "image", image + ("" if row.listed else " (no longer on NVIDIA's list)")
    yield "unconfirmed", ", ".join(row.devel_unconfirmed)
    yield (
        "starts with",
        f"driver branches {', '.join(row.driver_branches)}, too" if row.driver_branches else "",
    )


def _os(facts: Facts, row: OsRow) -> Iterator[Line]:
    yield "glibc", row.glibc
    yield "support", f"until {row.eol}" + (f", extended until {row.eol_extended}" if row.eol_extended else "")
    yield "image", f"{row.image} ({row.image_status})"
    yield "packages", f"{row.pkg}, mirrors {row.mirrors}"
    yield "Python", ", ".join((row.system_python, *row.extra_python))
    yield "GCC", row.gcc or ""
    yield "CPU", f"{row.cpu} ({facts.cited(row.cpu_source)[0]})" if row.cpu else ""
    yield "refuses", "libraries that ask for an executable stack" if row.executable_stack_refused else ""


def _python(facts: Facts, row: PythonRow) -> Iterator[Line]:
    yield "support", f"until {row.eol}" if row.eol else "no end published"
    for provider in facts.providers.values():
        if row.version in provider.python:
            patch = provider.newest_patch.get(row.version)
            yield provider.name, f"{provider.title}" + (f", up to {row.version}.{patch}" if patch else "")
    systems = [name for name, os in facts.os.items() if row.version in (os.system_python, *os.extra_python)]
    yield "packaged by", ", ".join(systems)
    having = [v for v, torch in facts.torch.items() if row.version in torch.python.get("x86_64", ())]
    yield "torch", f"{having[0]} to {having[-1]}" if having else "none"


def _gpu(facts: Facts, row: GpuRow) -> Iterator[Line]:
    yield "capability", row.capability
    asked = Version(row.capability)
    able = [
        cuda for cuda, one in facts.cuda.items() if Version(one.archs[0]) <= asked <= Version(one.archs[1])
    ]
    yield "CUDA", f"{able[0]} to {able[-1]}" if able else "none"
    yield from _served(facts, row)


def _served(facts: Facts, row: GpuRow) -> Iterator[Line]:
    """The drivers that serve the GPU."""
    known = facts.capabilities[row.capability]
    yield "driver", f"{known.first_driver} or newer" if known.first_driver else ""
    yield "", f"branch {known.last_branch} is the last that serves it" if known.last_branch else ""


def _trap(row: Trap) -> Iterator[Line]:
    yield "level", row.level
    for name in ("torch", "python", "glibc", "cuda", "flavor", "provider", "arch", "package"):
        yield name, getattr(row, name) or ""
    yield "symptom", row.symptom
    yield "cause", row.cause
    yield "needs", row.requirement or ""
    yield "what helps", row.fix or ""
