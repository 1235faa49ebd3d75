"""Whole tables of facts, a row a line, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.facts import CudaRow, Facts, GpuRow, OsRow, PythonRow, TorchRow, Trap
from builder.facts.answers import COMPANIONS
from builder.facts.finding import SHOWN, Known, rows
from builder.report.look import cut, shown

WIDTH = 80


def overview(facts: Facts, overlay: Path | None) -> str:
    """The tables, their age, and the overlay; `overlay` is where one is looked for."""
    lines = [("table", "rows", "newest", "verified", "stale after", "told by the overlay")]
    for name, table in facts.tables.items():
        names = list(rows(facts, name)) if name in SHOWN else []
        newest = names[-1] if name in ("torch", "cuda", "python") else ""
        told = [row for table_name, row in facts.overlaid if table_name == name]
        count = str(len(names) or "")
        lines.append((name, count, newest, table.verified, table.stale_after, str(len(told) or "")))
    where = f"overlay: {facts.overlay}" if facts.overlay else f"no overlay ({overlay or 'none wanted'})"
    return f"{_aligned(lines)}\n\n{shown(where)}"


def as_text(facts: Facts, found: Sequence[Known]) -> str:
    """The rows of one table, a line each; `*` marks those that the overlay tells something of."""
    first = found[0].row
    heads = _HEADS[type(first)]
    lines = [heads]
    for known in found:
        mark = "*" if (known.table, known.name) in facts.overlaid else ""
        lines.append((known.name + mark, *_cells(facts, known.row)))
    return _aligned(lines)


def companions(found: Sequence[Known]) -> str:
    """Which torchvision, torchaudio and torchao go with each torch, the preferred one first."""
    lines: list[tuple[str, ...]] = [("torch", *COMPANIONS)]
    lines += [(one.name, *(", ".join(getattr(one.row, name)) for name in COMPANIONS)) for one in found]
    return _aligned(lines)


_HEADS: dict[type, tuple[str, ...]] = {
    TorchRow: ("torch", "released", "Python", "glibc", "index", "builds (x86_64)"),
    CudaRow: ("CUDA", "driver floor", "came with", "GPUs", "GCC below", "devel images"),
    OsRow: ("OS", "glibc", "support", "extended", "packages", "Python"),
    PythonRow: ("Python", "support ends", "standalone", "conda"),
    GpuRow: ("GPU", "capability"),
    Trap: ("trap", "level", "torch", "symptom"),
}


def _cells(facts: Facts, row: object) -> tuple[str, ...]:
    if isinstance(row, TorchRow):
        minors = row.python.get("x86_64", ())
        default = row.default_cuda.get("x86_64") or "cpu"
        glibc = row.glibc.get("x86_64") or ""
        return row.released, _span(minors), glibc, default, " ".join(row.variants)
    if isinstance(row, CudaRow):
        gcc = str(row.gcc_below or "")
        systems = str(len(row.devel_images) or "")
        return row.min_driver, row.toolkit_driver, "-".join(row.archs), gcc, systems
    if isinstance(row, OsRow):
        pythons = " ".join((row.system_python, *row.extra_python))
        packages = row.pkg if row.mirrors == "live" else f"{row.pkg} {row.mirrors}"
        return row.glibc, row.eol, row.eol_extended or "", packages, pythons
    if isinstance(row, PythonRow):
        standalone, conda = (facts.providers[name] for name in ("standalone", "conda"))
        patch = standalone.newest_patch.get(row.version)
        newest = f"{row.version}.{patch}" if patch is not None else ""
        doubtful = "not confirmed" if row.version in conda.python_unconfirmed else ""
        return row.eol or "", newest, "yes" if row.version in conda.python else doubtful
    if isinstance(row, GpuRow):
        return (row.capability,)
    assert isinstance(row, Trap)  # noqa: S101  the last kind that there is
    return row.level, row.torch or "any", row.symptom


def _span(minors: Sequence[str]) -> str:
    """`3.9-3.13 +t`: the plain ones from first to last, and whether there are free-threaded ones."""
    plain = [minor for minor in minors if not minor.endswith("t")]
    ends = "-".join(dict.fromkeys((plain[0], plain[-1]))) if plain else ""
    return ends + (" +t" if len(plain) < len(minors) else "")


def _aligned(lines: Iterable[tuple[str, ...]]) -> str:
    kept = [tuple(shown(text) for text in line) for line in lines]
    widths = [max(len(line[n]) for line in kept) for n in range(len(kept[0]))]
    told = ("  ".join(f"{text:<{widths[n]}}" for n, text in enumerate(line)).rstrip() for line in kept)
    return "\n".join(cut(line, WIDTH) for line in told)
