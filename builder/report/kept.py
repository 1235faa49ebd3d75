"""What is kept on this machine, for the eye and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from builder.layer.pruning import Use
from builder.source.pruning import Fetched


def as_text(root: Path, layers: Sequence[Use], files: Sequence[Fetched]) -> str:
    """Both lists with their sums."""
    lines = [f"{root}", ""]
    for title, found in (("layers", layers), ("files", files)):
        total = sum(one.size for one in found)
        lines.append(f"{title}: {len(found)}, {amount(total)}")
        lines += [f"  {_day(one.last_used)}  {one.size / 1e6:9.1f} MB  {one.label}" for one in found]
    return "\n".join(lines)


def as_json(root: Path, layers: Sequence[Use], files: Sequence[Fetched]) -> dict[str, Any]:
    """Sizes in bytes, times in seconds since 1970."""
    return {
        "folder": str(root),
        "layers": [
            {"label": one.label, "diff_id": one.diff_id, "size": one.size, "last_used": one.last_used}
            for one in layers
        ],
        "files": [{"name": one.label, "size": one.size, "last_used": one.last_used} for one in files],
    }


def amount(size: int) -> str:
    """Bytes for the eye."""
    return f"{size / 1e9:.2f} GB" if size >= 10**9 else f"{size / 1e6:.1f} MB"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")
