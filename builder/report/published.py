"""What was published, or would be, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from builder.publication import Outcome, Published
from builder.records import plain
from builder.release import Handing, Plan, Pointer, Release
from builder.release.planning import Tagging
from builder.report import problems
from builder.report.look import PLAIN, count

SCHEMA = "envbuild.releases/1"
WORDS = {"new": "new", "same": "stays"}
ENGINE = "through the engine: the registry was not asked what it has, and no papers go with the images"
HOW = {"shared": "shared with another cell", "mounted": "mounted", "there": "were there"}


def lines(outcome: Outcome) -> Iterator[str]:
    """A block per cell, a line per alias, then what it comes to."""
    found = outcome.cells
    for one in found:
        yield from _cell(one, planned=outcome.dry or outcome.stopped)
    yield from map(_alias, outcome.pointers)
    if any(isinstance(one.plan, Handing) for one in found):
        yield ENGINE
    done = sum(one.release is not None for one in found)
    bad = sum(one.exit_code != 0 for one in found)
    words = [f"{done} published"] if not outcome.dry else ["nothing was touched"]
    words += [f"{bad} refused"] if bad else []
    held = outcome.stopped and bad < len(found)
    words += ["the others were left alone: --partial publishes them"] if held else []
    yield f"{count(len(found), 'image')}: {', '.join(words)}"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """As data."""
    cells = [
        {
            "cell": one.cell,
            "release": plain(one.release),
            "plan": _plan(one.plan) if one.plan else None,
            "problems": plain(one.problems),
            "exit_code": one.exit_code,
        }
        for one in outcome.cells
    ]
    aliases = [
        {
            "tag": one.aim.tag,
            "index": one.aim.index,
            "means": one.aim.means,
            "cells": one.aim.cells,
            "digest": one.digest,
            "step": one.tagging.step if one.tagging else None,
            "before": one.tagging.before if one.tagging else None,
            "left": one.left or None,
            "done": one.done,
            "exit_code": one.exit_code,
        }
        for one in outcome.pointers
    ]
    return {"schema": SCHEMA, "cells": cells, "aliases": aliases}


def _cell(one: Published, *, planned: bool) -> Iterator[str]:
    if one.problems:
        yield f"{one.cell}: not published"
        for problem in one.problems:
            own = problems.without_cell(problem) if problem.cell == one.cell else problem
            yield from (f"  {line}" for line in problems.lines(own, PLAIN))
    elif isinstance(one.plan, Handing) and planned:
        yield f"{one.cell}: the engine pushes {one.plan.verified.image.id}"
        yield from (f"  as {reference}" for reference in one.plan.references)
    elif isinstance(one.plan, Plan) and planned:
        yield f"{one.cell}: {one.plan.digest}"
        yield f"  {_layers(one.plan)}"
        yield f"  {_papers(one.plan)}"
        yield from (f"  tag {tag.tag}: {_tagged(tag)}" for tag in one.plan.tags)
    elif one.release:
        yield f"{one.cell}: {_went(one.release)}; {', '.join(one.release.tags)}"


def _went(release: Release) -> str:
    """How the layers came to be there: `285 MB sent, 12 MB shared with another cell`."""
    if release.through == "engine":
        return "pushed by the engine"
    sizes = {how: sum(layer.size for layer in release.layers if layer.how == how) for how in HOW}
    told = [f"{amount(size)} {HOW[how]}" for how, size in sizes.items() if size]
    return ", ".join([f"{amount(release.sent)} sent", *told, *(["signed"] if release.signed else [])])


def _alias(one: Pointer) -> str:
    """`alias latest: new, CELL`."""
    name = f"{'index' if one.aim.index else 'alias'} {one.aim.tag}"
    if one.left or one.tagging is None:
        return f"{name}: left alone: {one.left}"
    return f"{name}: {_tagged(one.tagging)}, {', '.join(one.aim.means)}"


def _tagged(tag: Tagging) -> str:
    """What becomes of a tag."""
    return f"moves from {(tag.before or '')[:19]}" if tag.step == "moves" else WORDS[tag.step]


def _layers(plan: Plan) -> str:
    if plan.there:
        return "everything is there"
    missing = plan.missing
    size, rest = sum(layer.blob.size for layer in missing), len(plan.packed) - len(missing)
    return f"{count(len(missing), 'layer')} to send ({amount(size)}), {rest} are there"


def _papers(plan: Plan) -> str:
    missing = [paper.name for paper in plan.papers if paper.digest not in plan.attached]
    return f"to attach: {', '.join(missing)}" if missing else "all papers are attached"


def _plan(plan: Plan | Handing) -> dict[str, Any]:
    if isinstance(plan, Handing):
        return {"through": "engine", "references": plain(plan.references)}
    missing = {layer.diff_id for layer in plan.missing}
    layers = [
        {
            "diff_id": layer.diff_id,
            "digest": layer.blob.digest,
            "size": layer.blob.size,
            "there": layer.diff_id not in missing,
        }
        for layer in plan.packed
    ]
    papers = [
        {"name": paper.name, "digest": paper.digest, "there": paper.digest in plan.attached}
        for paper in plan.papers
    ]
    return {"digest": plan.digest, "layers": layers, "papers": papers, "tags": plain(plan.tags)}


def amount(size: int) -> str:
    """Megabytes, with a digit where they are few."""
    return f"{size / 1e6:.0f} MB" if size >= 10**7 else f"{size / 1e6:.1f} MB"
