"""What changed between two runs, cell by cell: verdicts, sizes, times, versions, checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder import plainjson, records
from builder.errors import InputError
from builder.image import Image
from builder.report import account
from builder.report.figures import duration, megabytes
from builder.report.look import PLAIN, Look, count, paint, shown
from builder.report.markdown import table
from builder.verification import Verification

SCHEMA = "envbuild.compared/1"
NOTHING = "-"
# Two runs never take the same time: what differs by less than a tenth, or than a second, is no change.
SHARE, SECONDS = 0.1, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What one side knows of a cell."""

    verdict: str
    image: Image | None = None
    proof: Verification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two runs: where it is told of, and its cells by name."""

    name: str
    cells: Mapping[str, Known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was; `-` where it is not there. `numbers` are bytes or seconds."""

    what: str
    before: str
    after: str
    numbers: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A cell that both sides have, and what changed in it."""

    cell: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two sides held against each other."""

    before: str
    after: str
    altered: tuple[Altered, ...]
    same: tuple[str, ...]
    new: Mapping[str, str] = field(default_factory=dict)  # cell → verdict
    gone: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> Side:
    """A side from a folder of records, or from a file of `report --format json`. Raises `InputError`."""
    cells = _of_folder(path) if path.is_dir() else _of_file(path)
    if not cells:
        hint = "a folder of records (.envbuild/NAME) or a file of `envbuild report --format json` is wanted"
        raise InputError.of(f"{path} tells of no cell", hint=hint)
    return Side(name=str(path), cells=cells)


def _of_folder(folder: Path) -> dict[str, Known]:
    """Whatever was built there, without asking whether the matrix has it still."""
    found = {}
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        if any((inner / f"{kind}.json").is_file() for kind in ("recipe", "image", "verification")):
            verdict, image, proof = account.known(inner)
            found[inner.name] = Known(verdict=verdict, image=image, proof=proof)
    return found


def _of_file(path: Path) -> dict[str, Known]:
    try:
        told = plainjson.loads(path.read_bytes())
    except OSError as error:
        raise InputError.of(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError:
        told = None
    cells = told.get("cells") if isinstance(told, dict) and told.get("schema") == account.SCHEMA else ()
    return {
        str(cell.get("id")): Known(
            verdict=str(cell.get("verdict")),
            image=records.image_of(cell.get("image")),
            proof=records.verification_of(cell.get("verification")),
        )
        for cell in (cells if isinstance(cells, list) else ())
        if isinstance(cell, dict)
    }


def compared(before: Side, after: Side) -> Compared:
    """What the second side has otherwise than the first."""
    both = [cell for cell in after.cells if cell in before.cells]
    changes = {cell: tuple(_changes(before.cells[cell], after.cells[cell])) for cell in both}
    return Compared(
        before=before.name,
        after=after.name,
        altered=tuple(Altered(cell=cell, changes=found) for cell, found in changes.items() if found),
        same=tuple(cell for cell, found in changes.items() if not found),
        new={cell: known.verdict for cell, known in after.cells.items() if cell not in before.cells},
        gone={cell: known.verdict for cell, known in before.cells.items() if cell not in after.cells},
    )


def _changes(old: Known, new: Known) -> Iterator[Change]:
    if old.verdict != new.verdict:
        yield Change(what="verdict", before=old.verdict, after=new.verdict)
    yield from _of_image(old.image, new.image)
    if old.image and new.image:
        yield from _times("build", old.image.seconds, new.image.seconds)
        yield from _differing(dict(old.image.packages), dict(new.image.packages))
    if old.proof and new.proof:
        yield from _times("verify", old.proof.seconds, new.proof.seconds)
        yield from _differing(_found(old.proof), _found(new.proof))
        yield from _differing(_statuses(old.proof), _statuses(new.proof))


def _of_image(old: Image | None, new: Image | None) -> Iterator[Change]:
    if (old and old.id) != (new and new.id):
        yield Change(what="image", before=_short(old), after=_short(new))
    sizes = [megabytes(image.size) for image in (old, new) if image]
    if old and new and len(set(sizes)) > 1:
        after = f"{sizes[1]} ({_percent(old.size, new.size)})"
        yield Change(what="size", before=sizes[0], after=after, numbers=(old.size, new.size))


def _short(image: Image | None) -> str:
    return image.id[:19] if image else NOTHING


def _percent(old: float, new: float) -> str:
    return f"{(new - old) / old:+.1%}" if old else NOTHING


def _times(what: str, old: float, new: float) -> Iterator[Change]:
    if abs(new - old) >= max(SECONDS, SHARE * old):
        after = f"{duration(new)} ({_percent(old, new)})"
        yield Change(what=what, before=duration(old), after=after, numbers=(old, new))


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, NOTHING), new.get(name, NOTHING)
        if before != after:
            yield Change(what=name, before=before, after=after)


def _found(proof: Verification) -> dict[str, str]:
    """Versions found inside. Torch's is that of a package, which is told already."""
    return {f"{name} inside": text for name, text in account.versions(proof).items() if name != "torch"}


def _statuses(proof: Verification) -> dict[str, str]:
    return {
        f"check {check.id}": check.status + (f": {check.reason}" if check.reason else "")
        for check in proof.checks
    }


def as_json(told: Compared) -> dict[str, Any]:
    """As data; see docs/compared.schema.json."""
    plain: dict[str, Any] = records.plain(told)
    return {"schema": SCHEMA, **plain}


def as_text(told: Compared, look: Look = PLAIN) -> str:
    """Each altered cell with its changes; new and gone cells; how many there are of each kind."""
    lines = [_line(f"before: {told.before}"), _line(f"after:  {told.after}"), ""]
    for one in told.altered:
        width = max(len(change.what) for change in one.changes)
        lines.append(paint(_line(one.cell), "bold", look))
        lines += ["  " + _line(f"{c.what:<{width}}  {c.before} → {c.after}") for c in one.changes] + [""]
    lines += [_line(f"new:  {cell}: {verdict}") for cell, verdict in told.new.items()]
    lines += [_line(f"gone: {cell}: {verdict}") for cell, verdict in told.gone.items()]
    return "\n".join([*lines, _count(told)])


def _line(text: str) -> str:
    """Text from outside on one line of a terminal."""
    return shown(" ".join(text.splitlines()))


def as_markdown(told: Compared) -> str:
    """The same as one table."""
    rows: list[Sequence[str]] = [
        (f"`{one.cell}`", change.what, change.before, change.after)
        for one in told.altered
        for change in one.changes
    ]
    rows += [(f"`{cell}`", "verdict", NOTHING, verdict) for cell, verdict in told.new.items()]
    rows += [(f"`{cell}`", "verdict", verdict, NOTHING) for cell, verdict in told.gone.items()]
    head = table(("Cell", "What", told.before, told.after), rows) if rows else []
    return "\n".join([f"### envbuild: {_count(told)}", "", *head, ""])


def _count(told: Compared) -> str:
    numbers = {"changed": told.altered, "new": told.new, "gone": told.gone, "as before": told.same}
    words = ", ".join(f"{len(found)} {name}" for name, found in numbers.items() if found)
    cells = len(told.altered) + len(told.new) + len(told.gone) + len(told.same)
    return f"{count(cells, 'cell')}: {words}"
