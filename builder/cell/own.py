"""A matrix's own OSes → tables that know them: rows like those that they are like, from another base."""

from __future__ import annotations

from dataclasses import replace

from builder.cell.axes import unknown_os
from builder.errors import InputError
from builder.facts import Facts
from builder.matrix import Matrix


def knowing(matrix: Matrix, facts: Facts) -> Facts:
    """The tables with the matrix's own OSes. Raises `InputError` for one that is like none that they have."""
    strange = [own.like for own in matrix.systems if facts.os_name(own.like.text) is None]
    if strange:
        raise InputError(unknown_os(value, facts) for value in strange)
    rows = dict(facts.os)
    for own in matrix.systems:
        like = rows[facts.os_name(own.like.text) or own.like.text]
        rows[own.name] = replace(like, name=own.name, image=own.image, like=like.release)
    return replace(facts, os=rows) if matrix.systems else facts
