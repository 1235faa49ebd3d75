"""Layers + what the page configures → the image's config, and with it its ID: no engine takes part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from builder.engine.api import Assembled, LayerFile
from builder.recipe.config import Configured

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as images name them


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A layer with what it holds in a few words: they stand in the image's history."""

    label: str
    layer: LayerFile


def assemble(parts: Sequence[Part], configured: Configured, arch: str, epoch: int) -> Assembled:
    """The image of these layers, the lowest first. `epoch` is the time that it names as its making."""
    created = datetime.fromtimestamp(epoch, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "architecture": ARCHITECTURES[arch],
        "config": _config(configured),
        "created": created,
        "history": [{"created": created, "created_by": f"envbuild: {part.label}"} for part in parts],
        "os": "linux",
        "rootfs": {"diff_ids": [part.layer.diff_id for part in parts], "type": "layers"},
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Assembled(config=text.encode(), layers=tuple(part.layer for part in parts))


def _config(configured: Configured) -> dict[str, Any]:
    """What is empty is left out."""
    found: dict[str, Any] = {
        "Cmd": list(configured.command),
        "Entrypoint": list(configured.entrypoint),
        "Env": [f"{name}={value}" for name, value in configured.env],
        "ExposedPorts": {port if "/" in port else f"{port}/tcp": {} for port in configured.ports},
        "Labels": dict(configured.labels),
        "StopSignal": configured.stop_signal,
        "User": configured.user,
        "Volumes": {volume: {} for volume in configured.volumes},
        "WorkingDir": configured.work_dir,
    }
    return {name: value for name, value in found.items() if value}
