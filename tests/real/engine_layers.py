"""Small images that are put together on this machine, as a room above the engine does it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from builder.engine.api import Assembled, LayerFile


def tar(files: dict[str, bytes]) -> bytes:
    """A layer with these files."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def layer(folder: Path, content: bytes) -> LayerFile:
    """A file for that tar, or for any bytes."""
    hexadecimal = hashlib.sha256(content).hexdigest()
    (folder / hexadecimal).write_bytes(content)
    return LayerFile(diff_id=f"sha256:{hexadecimal}", size=len(content), path=folder / hexadecimal)


def assembled(layers: tuple[LayerFile, ...], labels: dict[str, str], **changes) -> Assembled:
    """An image of these layers for this machine."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2000-01-01T00:00:00Z",
        "config": {"Labels": labels, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
        "history": [{"created_by": "test"} for _ in layers],
    }
    return Assembled(config=json.dumps(config, sort_keys=True).encode(), layers=layers, **changes)
