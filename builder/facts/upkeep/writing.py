"""What a refresh found → an overlay: what differs from the shipped tables, and what was there before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from builder.facts import tables
from builder.facts.overlay import PARTS
from builder.facts.upkeep.builds import MATRIX, in_order
from builder.facts.upkeep.differing import Difference
from builder.facts.upkeep.observing import Observed, Row
from builder.names import variant, version_key

FRESH = 60  # days
INDEX, BUILDS, MATRIX_KEY = "refreshed", "refreshed_builds", "refreshed_matrix"
ORIGINS = {
    "variants": ("variants_source", BUILDS),
    "aarch64_variants": ("variants_source", BUILDS),
    "unconfirmed": ("variants_source", MATRIX_KEY),
}
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
HEAD = """\
# What the package index says otherwise than envbuild's own tables; written by `envbuild facts refresh`.
# Rows and fields of your own stay when it is written again, comments do not.
"""

Parts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A day on which indexes were asked, and what they said."""

    observed: Observed
    today: str


def overlaid(parts: Parts, found: Iterable[Difference], observed: Observed, today: str) -> dict[str, Any]:
    """An overlay's parts with the differences in them; `parts` are those of the one that was there.

    Fields that say what the shipped tables say are left out. What is gone from an index stays in the tables.
    """
    seen = _Seen(observed=observed, today=today)
    torch = {release: dict(row) for release, row in parts.get("torch", {}).items()}
    wheels = dict(parts.get("wheels", {}))
    for one in found:
        if one.now is None:
            continue
        if one.field == "wheels":
            wheels[one.release] = one.now
        elif one.field == "release":
            torch[one.release] = _complete(one.release, one.now, seen)
            told = observed.hashes.get(one.release)
            wheels.update({one.release: dict(told)} if told else {})
        else:
            torch[one.release] = _changed(torch.get(one.release, {}), one)
    stale_after = (date.fromisoformat(today) + timedelta(FRESH)).isoformat()
    verified = {name: {"verified": today, "stale_after": stale_after} for name in observed.read}
    rows = {release: _own(release, torch[release]) for release in torch}
    return {
        **parts,
        "tables": {**parts.get("tables", {}), **verified},
        "torch": {release: row for release, row in rows.items() if row},
        "wheels": {release: row for release, row in wheels.items() if row != tables.wheels().get(release)},
        "sources": {**parts.get("sources", {}), **_sources(seen)},
    }


def _shipped(release: str) -> Row:
    row: Row = tables.shipped()["torch"]["releases"].get(release, {})
    return row


def _changed(row: Row, one: Difference) -> dict[str, Any]:
    """A row with one field as it is now, and with the source of that."""
    key, fresh = ORIGINS.get(one.field, ("source", INDEX))
    before = row.get(key) or _shipped(one.release).get(key, ())
    return {**row, one.field: one.now, key: list(dict.fromkeys((*before, fresh)))}


def _own(release: str, row: Row) -> Row:
    """The fields that say something else than what is shipped; none where only sources are left."""
    known = _shipped(release)
    own = {name: value for name, value in row.items() if known.get(name) != value}
    return own if set(own) - {"source", "variants_source"} else {}


def _complete(release: str, seen: Row, around: _Seen) -> dict[str, Any]:
    """A whole row for a release that the tables do not have.

    Which builds PyTorch's own index has is only known where it answered. Otherwise the package index's own
    build is certain, and those of the release matrix, or of the release before, are not confirmed.
    """
    row = {**seen, "numpy2": "yes", "source": [INDEX]}
    if "variants" in seen:
        return {**row, "variants_source": [BUILDS]}
    certain = {arch: variant(cuda) for arch, cuda in seen.get("default_cuda", {}).items()}
    listed = around.observed.matrix.get(release.rpartition(".")[0])
    expected = listed or _last_builds()
    row["variants"] = [certain["x86_64"]] if "x86_64" in certain else []
    row["aarch64_variants"] = [certain["aarch64"]] if "aarch64" in certain else []
    row["unconfirmed"] = [one for one in in_order(("cpu", *expected)) if one not in row["variants"]]
    row["note"] = "PyTorch's index did not answer when this row was made"
    return {**row, "variants_source": [INDEX, *([MATRIX_KEY] if listed else [])]}


def _last_builds() -> Sequence[str]:
    rows = tables.shipped()["torch"]["releases"]
    builds: Sequence[str] = rows[max(rows, key=version_key)]["variants"]
    return builds


def _sources(around: _Seen) -> dict[str, dict[str, str]]:
    observed = around.observed
    told = {
        INDEX: ("the package index and its wheels, read by facts refresh", f"{observed.index}/torch/"),
        BUILDS: ("PyTorch's index of wheels, read by facts refresh", f"{observed.pytorch}/torch/"),
        MATRIX_KEY: ("PyTorch's release matrix, read by facts refresh", MATRIX),
    }
    asked = {INDEX: True, BUILDS: observed.pytorch is not None, MATRIX_KEY: bool(observed.matrix)}
    return {
        key: {"title": title, **({"url": url} if url.startswith("http") else {}), "seen": around.today}
        for key, (title, url) in told.items()
        if asked[key]
    }


def text(parts: Parts) -> str:
    """An overlay's file. Every scalar is text, so `3.10` stays what it is."""
    lines = [HEAD]
    for part in (name for name in PARTS if parts.get(name)):
        lines.append(f"{part}:")
        for name, row in parts[part].items():
            lines.append(f"  {_scalar(name)}:")
            lines += [f"    {_scalar(field)}: {_flow(value)}" for field, value in row.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, str):
        return _scalar(value)
    return "[" + ", ".join(_flow(one) for one in value) + "]"


def _scalar(value: str) -> str:
    """Plain where that is safe; else quoted as JSON does it, which YAML reads the same."""
    return (
        value if PLAIN.fullmatch(value) and value.lower() != "null" else json.dumps(value, ensure_ascii=False)
    )
