"""What a run measured of a cell, one figure a column."""

from __future__ import annotations

from collections.abc import Sequence

from builder.events import Stage
from builder.image import Image
from builder.pipeline import Result
from builder.verification import Verification

NONE = "-"
HEAD = ("CELL", "VERDICT", "SIZE", "BUILD", "VERIFY", "LOSS", "QUANTIZED")


def row(result: Result) -> tuple[str, ...]:
    """The cell, its verdict, the image's size, the time of both stages, the last loss, the quantized size."""
    image, proof = result.image, result.verification
    ratio = _value(proof, "quantize.dynamic", "size_ratio")
    losses = _value(proof, "train.curve", "losses")
    loss = losses[-1] if isinstance(losses, list) and losses else None
    return (
        result.cell,
        verdict(result),
        f"{image.size / 1e6:.0f} MB" if image and image.size else NONE,
        _spent("build", result, image),
        _spent("verify", result, proof),
        f"{loss:.4f}" if isinstance(loss, (int, float)) else NONE,
        f"to {ratio:.0%}" if isinstance(ratio, (int, float)) else NONE,
    )


def _spent(stage: Stage, result: Result, found: Image | Verification | None) -> str:
    """How long a stage took, if it was gone through."""
    if stage in result.kept:
        return "kept"
    return duration(found.seconds) if found else NONE


def verdict(result: Result) -> str:
    """The outcome in words, with the level where nothing was trained: `passed (static)`."""
    proof = result.verification
    return (
        "passed (static)"
        if proof and proof.status == "passed" and proof.level == "static"
        else result.outcome
    )


def _value(proof: Verification | None, check: str, name: str) -> object:
    """One figure of one check, where it was measured."""
    found = [c for c in proof.checks if c.id == check] if proof else []
    return found[0].values.get(name) if found else None


def together(names: Sequence[tuple[str, str]]) -> list[str]:
    """Names of several cells; those that differ by the cell alone are told once, with `CELL` in its place."""
    forms = list(dict.fromkeys(name.replace(cell, "CELL") for name, cell in names))
    return forms if len(forms) < len(names) else [name for name, _ in names]


def duration(seconds: float) -> str:
    """`0.4 s`, `45 s`, `12 min 5 s`, `2 h 3 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def megabytes(size: int) -> str:
    """`8 kB`, `4.4 MB`, `709 MB`."""
    if size < 1e5:
        return f"{size / 1e3:,.0f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 10e6 else f"{size / 1e6:,.0f} MB"


def clock(seconds: float) -> str:
    """Whole seconds as `0:07`, `12:05`, `2:03:04`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
