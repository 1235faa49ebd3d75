"""What a published image is, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from builder.records import plain
from builder.released import Found, Image
from builder.report.look import PLAIN, Look, count, paint, shown
from builder.report.published import amount

SCHEMA = "envbuild.shown/1"


def as_json(found: Found) -> dict[str, Any]:
    """As data; see docs/shown.schema.json."""
    return {"schema": SCHEMA, "good": found.good, **plain(found)}


def as_text(found: Found, look: Look = PLAIN) -> str:
    """A block per image, its problems below it."""
    told = [shown(f"{found.repository}@{found.digest}")]
    told += [f"  an index of {count(len(found.images), 'image')}"] if found.index else []
    for image in found.images:
        told += [f"  {shown(image.digest)}"] if found.index else []
        told += [f"  {name:<10} {shown(text)}" for name, text in _rows(image) if text]
        told += [_wrong(problem, look) for problem in image.problems]
    told += [_wrong(problem, look) for problem in found.problems]
    return "\n".join(told)


def _wrong(problem: str, look: Look) -> str:
    return "  " + paint("wrong:", "red", look) + f"     {shown(problem)}"


def _rows(image: Image) -> Iterator[tuple[str, str]]:
    yield "image", f"{image.id}, {image.platform}"
    yield "created", image.created
    yield "cell", image.cell or "none: envbuild did not publish it, or its papers are gone"
    yield "base", image.base or ""
    yield "size", f"{amount(image.size)} in {count(len(image.diff_ids), 'layer')}"
    yield "packages", _packages(image.packages)
    yield "verdict", _verdict(image)
    yield "papers", ", ".join(sorted(paper.name for paper in image.papers)) or "none"
    yield "signature", "there; cosign verify --key tells whose" if image.signed else "none"


def _packages(urls: tuple[str, ...]) -> str:
    own = sum(url.startswith("pkg:pypi/") for url in urls)
    return f"{own} of Python, {len(urls) - own} of the system" if urls else ""


def _verdict(image: Image) -> str:
    found = image.verdict
    if found is None:
        return ""
    loss = "" if found.loss is None else f", loss {found.loss:.4f}"
    return f"{found.status} (level {found.level}, {count(found.checks, 'check')}{loss})"
