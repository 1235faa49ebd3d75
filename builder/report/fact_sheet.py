"""What the tables know of something, and where that is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.facts import Entry, Facts, SourceRow, TorchRow
from builder.names import cuda_version
from builder.records import plain
from builder.report.look import PLAIN, Look, paint, wrap

SCHEMA = "envbuild.facts/1"
LEFT_OUT = ("version", "name", "id", "source", "variants_source", "like")


def tables_text(facts: Facts) -> str:
    """The tables with their size and age."""
    lines = [f"{'TABLE':<8}{'ROWS':>5}  {'AS OF':<12}LOOK AGAIN AFTER"]
    lines += [f"{one.name:<8}{one.rows:>5}  {one.compiled:<12}{one.stale_after}" for one in facts.tables]
    return "\n".join(lines)


def as_text(entries: Sequence[Entry], facts: Facts, look: Look = PLAIN) -> str:
    """One paragraph each: what is known, then the sources."""
    return "\n\n".join("\n".join(_paragraph(entry, facts, look)) for entry in entries)


def as_json(entries: Sequence[Entry], facts: Facts) -> dict[str, Any]:
    """The tables, and the rows as they are, with their sources."""
    return {
        "schema": SCHEMA,
        "tables": [plain(table) for table in facts.tables],
        "entries": [
            {
                "table": entry.table,
                "name": entry.name,
                "row": {**_plain(entry), **_kernels(entry, facts)},
                "sources": [plain(source) for source in _sources(entry, facts)],
            }
            for entry in entries
        ],
    }


def _paragraph(entry: Entry, facts: Facts, look: Look) -> Iterator[str]:
    title = entry.name if entry.table in ("os", "gpu", "traps") else f"{entry.table} {entry.name}"
    yield paint(title, "bold", look)
    for key, value in {**_plain(entry), **_kernels(entry, facts)}.items():
        told = _told(value)
        if key not in LEFT_OUT and told:
            yield from wrap(f"{key.replace('_', ' ')}: {told}", look, indent=2, hang=2)
    for source in _sources(entry, facts):
        where = f", {source.url}" if source.url else ""
        words = f"source: {source.title}{where} (seen {source.seen})"
        yield from (paint(line, "faint", look) for line in wrap(words, look, indent=2, hang=2))


def _plain(entry: Entry) -> dict[str, Any]:
    fields = {name: getattr(entry.row, name) for name in entry.row.__slots__}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()}


def _kernels(entry: Entry, facts: Facts) -> dict[str, Any]:
    """Of a torch: the GPU architectures of each build."""
    if entry.table != "torch":
        return {}
    found: dict[str, list[str]] = {}
    for arch in ("x86_64", "aarch64"):
        for name in entry.row.builds(arch) if isinstance(entry.row, TorchRow) else ():
            archs = facts.archs(entry.name, cuda_version(name), arch)
            found |= {f"{name} {arch}": list(archs)} if archs else {}
    return {"kernels": found}


def _told(value: Any) -> str:
    """A value in words; nothing for what is not known."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Mapping):
        parts = [f"{key} {_told(one)}" for key, one in value.items() if one not in (None, (), [])]
        return "; ".join(parts)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _sources(entry: Entry, facts: Facts) -> list[SourceRow]:
    keys = f"{entry.row.source} {getattr(entry.row, 'variants_source', '')}".split()
    return [facts.sources[key] for key in dict.fromkeys(keys)]
