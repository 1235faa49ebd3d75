"""What speaks for a cell: the facts that let it be, each with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.cell.rules import minor_of, spread
from builder.cell.values import Cell
from builder.facts import Facts
from builder.names import variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One fact: what it is `about`, a sentence, its source and the day on which that was read."""

    about: str
    message: str
    source: str
    date: str


def grounds(cell: Cell, facts: Facts) -> tuple[Ground, ...]:
    """The facts that the rules looked at and found nothing against."""
    against = {reason.rule for reason in cell.reasons if reason.blocks}
    return tuple(
        Ground(about=about, message=message, source=title, date=date)
        for rules, about, message, keys in _facts(cell, facts)
        if against.isdisjoint(rules)
        for title, date in (facts.cited(keys),)
    )


def _facts(cell: Cell, facts: Facts) -> Iterator[tuple[frozenset[str], str, str, str]]:
    """The rules that a fact answers, what it is about, the fact, its sources' keys."""
    system, row = facts.os[cell.os], facts.torch.get(cell.torch)
    if row is None:
        return
    if system.eol >= facts.day:
        yield frozenset({"eol"}), "os", f"regular support of {cell.os} lasts until {system.eol}", "S13"
    yield from _python(cell, facts)
    wheels = row.python.get(cell.arch, ())
    if wheels:
        rules = frozenset({"no_python_wheel", "python_unconfirmed"})
        yield rules, "wheel", f"torch {cell.torch} has wheels for Python {spread(wheels)}", row.source
    builds, name = row.builds(cell.arch), variant(cell.cuda)
    if name in builds:
        rules = frozenset({"no_variant", "variant_unconfirmed"})
        yield rules, "build", f"torch {cell.torch} was built for {', '.join(builds)}", row.variants_source
    floor = row.floor(cell.arch, name)
    if floor:
        rules = frozenset({"glibc_too_old", "exec_stack"})
        message = f"torch {cell.torch}+{name} needs glibc {floor}; {cell.os} has {system.glibc}"
        yield rules, "glibc", message, f"{row.source} S12"
    cuda = facts.cuda.get(cell.cuda)
    if cell.flavor == "devel" and cuda is not None and cell.os in cuda.devel_images:
        image = cuda.devel_images[cell.os]
        yield frozenset({"no_base_image"}), "base", f"NVIDIA publishes {image}", "S11"


def _python(cell: Cell, facts: Facts) -> Iterator[tuple[frozenset[str], str, str, str]]:
    """Who gives the interpreter."""
    rules = frozenset({"provider_python", "python_patch", "python_unconfirmed"})
    if cell.provider == "system":
        system = facts.os[cell.os]
        packaged = ", ".join((system.system_python, *system.extra_python))
        yield rules, "python", f"{cell.os} packages Python {packaged}", system.source
        return
    provider = facts.providers[cell.provider]
    yield rules, "python", f"{provider.title} has Python {spread(provider.python)}", provider.source
    known = facts.python.get(minor_of(cell.python).rstrip("t"))
    if known is not None and known.eol is not None and known.eol >= facts.day:
        message = f"Python {known.version} is supported until {known.eol}"
        yield frozenset({"eol"}), "python", message, known.source
