"""What the indexes say against what the tables say: each difference, and why it may be a mistake.

Tables that were refreshed from an index have been wrong before: one claimed Python 3.13 for 55 old releases.
What was published long ago does not change, so where it seems to, a person must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from builder.errors import InputError, Problem
from builder.facts import Facts, tables
from builder.facts.overlay import Overlay, merged
from builder.facts.upkeep import plausible
from builder.facts.upkeep.observing import Observed, Row, Unknown
from builder.names import version_key

SETTLED = 90  # days after a release, within which wheels for more Pythons may still come
YEAR = 365
COMPANIONS = ("torchvision", "torchaudio", "torchao")
BUILDS = ("variants", "aarch64_variants")
PARTS = ("cudnn", "nccl", "triton")

Hashes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the indexes tell otherwise than the tables. `was`, `now` None: nothing.

    `suspicious` says why it may be a mistake; None where it is what one expects to happen.
    """

    release: str
    field: str
    was: Any
    now: Any
    suspicious: str | None = None

    @property
    def name(self) -> str:
        """What `--accept` takes: `torch2.8.0:python`."""
        return f"torch{self.release}:{self.field}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tables say: torch's rows as their files hold them, wheels' hashes; and all tables together."""

    rows: Mapping[str, Row]
    hashes: Hashes
    facts: Facts


def known(overlay: Overlay | None) -> Known:
    """What the shipped tables say, with the overlay."""
    raw = merged(overlay) if overlay else tables.shipped()
    hashes = {**tables.wheels(), **(overlay.part("wheels") if overlay else {})}
    return Known(rows=raw["torch"]["releases"], hashes=hashes, facts=tables.assemble(raw))


def refused(found: Sequence[Difference], accepted: Sequence[str]) -> tuple[Difference, ...]:
    """The suspicious differences that nobody accepted by name.

    Raises `InputError` for a name that is none of them: it would accept nothing, or something else one day.
    """
    suspicious = {one.name: one for one in found if one.suspicious}
    lost = [name for name in accepted if name not in suspicious]
    if lost:
        raise InputError(_accepts_nothing(name, list(suspicious)) for name in lost)
    return tuple(one for name, one in suspicious.items() if name not in accepted)


def _accepts_nothing(name: str, names: Sequence[str]) -> Problem:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "`envbuild facts check` lists what differs, by name"
    return Problem(message=f"--accept {name}: nothing suspicious is called so", hint=hint)


def differences(known: Known, observed: Observed, today: str) -> tuple[Difference, ...]:
    """All differences, the newest release first. `today` is a day such as `2026-12-01`."""
    found: list[Difference] = []
    for release in sorted({*known.rows, *observed.rows}, key=version_key, reverse=True):
        row, seen = known.rows.get(release), observed.rows.get(release)
        if seen is None:
            why = "it was on the index, and is not any more"
            found.append(Difference(release=release, field="release", was=release, now=None, suspicious=why))
        elif row is None:
            found += [] if _lacks(seen) else [_new(release, seen, observed, known.facts)]
        else:
            age = _days(str(row["released"]), today)
            in_row = list(_of_row(release, row, seen, age))
            doubted = any(one.field == "python" and one.suspicious for one in in_row)
            found += _of_matrix(release, row, observed, age)
            found += [*in_row, *_of_wheels(release, known, observed, 0 if doubted else age)]
    return tuple(_weighed(one, known.facts) for one in found)


def left_out(known: Known, observed: Observed) -> tuple[Unknown, ...]:
    """The new releases of which the index tells too little for a row, each with what is lacking."""
    new = {release: seen for release, seen in observed.rows.items() if release not in known.rows}
    poor = {f"torch {release}": _lacks(seen) for release, seen in new.items()}
    return tuple(Unknown(what=what, reason=f"left out: {why}") for what, why in poor.items() if why)


def _lacks(seen: Row) -> str:
    """What a row for a new release would lack; empty where it would be whole."""
    if not seen.get("python"):
        return "it has no wheel for Linux and CPython"
    if "released" not in seen:
        return "the index does not tell on which day it was uploaded"
    if not all(seen["glibc"].values()):
        return "its wheels do not tell which glibc they need"
    return "" if "default_cuda" in seen else "its wheels do not tell for which CUDA they are"


def _weighed(one: Difference, facts: Facts) -> Difference:
    """A difference that tells what can hardly be is suspicious, however young the release."""
    if one.suspicious or one.now is None or one.field == "release":
        return one
    return replace(one, suspicious=plausible.strange(facts, {one.field: one.now}))


def _new(release: str, seen: Row, observed: Observed, facts: Facts) -> Difference:
    why = None
    if seen["released"] < facts.date:
        why = f"it is of {seen['released']}, and was not there on {facts.date}"
    named = observed.matrix.get(release.rpartition(".")[0], ())  # they come into the row as not confirmed
    why = why or plausible.strange(facts, {**seen, "unconfirmed": named})
    return Difference(release=release, field="release", was=None, now=dict(seen), suspicious=why)


def _of_row(release: str, row: Row, seen: Row, age: int) -> Iterator[Difference]:
    for name, now in seen.items():
        was = row.get(name)
        if now == (was if was is not None or not isinstance(now, list) else []):
            continue
        if name == "python":
            why = _python(was or {}, now, age)
        elif name in BUILDS:
            why = _builds(was or [], now, age)
        elif name in COMPANIONS:
            why = _companions(name, was or [], now, age)
        else:
            why = "a release's wheels do not change"
        yield Difference(release=release, field=name, was=was, now=now, suspicious=why)
    for name in PARTS:
        if name in row and name not in seen and "default_cuda" in seen:
            why = "a release's wheels do not change"
            yield Difference(release=release, field=name, was=row[name], now=None, suspicious=why)


def _of_matrix(release: str, row: Row, observed: Observed, age: int) -> Iterator[Difference]:
    """Builds that only PyTorch's release matrix names, where its index did not answer: not confirmed."""
    known = [*row["variants"], *row.get("unconfirmed", ())]
    named = observed.matrix.get(release.rpartition(".")[0], ()) if observed.pytorch is None else ()
    extra = [build for build in named if build not in known]
    if extra:
        was = row.get("unconfirmed", [])
        now = [*was, *extra]
        why = _builds(was, now, age)
        yield Difference(release=release, field="unconfirmed", was=was, now=now, suspicious=why)


def _python(was: Mapping[str, list[str]], now: Mapping[str, list[str]], age: int) -> str | None:
    pairs = [(arch, set(was.get(arch, ())), set(now.get(arch, ()))) for arch in (*was, *now)]
    lost = sorted({minor for _, before, after in pairs for minor in before - after})
    gained = sorted({minor for _, before, after in pairs for minor in after - before})
    if lost:
        return f"wheels for Python {', '.join(lost)} are gone"
    if gained and age > SETTLED:
        return f"it is {age} days old, and gets Python {', '.join(gained)} now"
    return None


def _builds(was: list[str], now: list[str], age: int) -> str | None:
    lost, gained = [one for one in was if one not in now], [one for one in now if one not in was]
    if lost:
        return f"builds {', '.join(lost)} are gone"
    if gained and age > YEAR:
        return f"it is {age} days old, and gets {', '.join(gained)} now"
    return None


def _companions(name: str, was: list[str], now: list[str], age: int) -> str | None:
    """torchao's are told by a rule of the tables, and not by what its wheels say of themselves."""
    lost, gained = [one for one in was if one not in now], [one for one in now if one not in was]
    if lost:
        return f"{', '.join(lost)} fitted before"
    if gained and age > YEAR and name != "torchao":
        return f"it is {age} days old, and {name} {', '.join(gained)} claims to go with it"
    return None


def _of_wheels(release: str, known: Known, observed: Observed, age: int) -> Iterator[Difference]:
    """Files with other bytes, gone, or late. `age` in days; 0 where late is told already."""
    was, now = known.hashes.get(release, {}), observed.hashes.get(release, {})
    if not was or not now:
        return
    changed = [stem for stem in was if now.get(stem, was[stem]) != was[stem]]
    lost, gained = [stem for stem in was if stem not in now], [stem for stem in now if stem not in was]
    why = None
    if changed:
        why = f"not the bytes that were there before: {', '.join(changed)}"
    elif lost:
        why = f"gone: {', '.join(lost)}"
    elif gained and age > SETTLED:
        why = f"it is {age} days old, and gets {', '.join(gained)} now"
    if changed or lost or gained:
        yield Difference(release=release, field="wheels", was=dict(was), now=dict(now), suspicious=why)


def _days(since: str, today: str) -> int:
    return (date.fromisoformat(today) - date.fromisoformat(since)).days
