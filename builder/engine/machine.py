"""What kind of machine this is, for a verdict that holds on machines of its kind alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

CPU = ("vendor_id", "model name", "flags", "CPU implementer", "CPU part", "Features")


def kind() -> str:
    """A digest of CPU model and features, NVIDIA's driver and GPUs: the same on equal machines."""
    seen = [line for line in _lines(Path("/proc/cpuinfo")) if line.partition(":")[0].strip() in CPU]
    nvidia = Path("/proc/driver/nvidia")
    cards = [
        line
        for told in sorted(nvidia.glob("gpus/*/information"))
        for line in _lines(told)
        if line.startswith("Model")
    ]
    text = "\n".join([*dict.fromkeys(seen), *_lines(nvidia / "version")[:1], *cards])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
