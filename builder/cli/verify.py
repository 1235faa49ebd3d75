"""`envbuild verify`: the in-container proof, for the images of a matrix or for any image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli import one_image, running, selection
from builder.cli.options import run_options, verify_options


@click.command("verify")
@click.argument("target", metavar="MATRIX|IMAGE")
@run_options
@verify_options
def command(target: str, only: tuple[str, ...], **options: Any) -> int:
    """Prove the images of MATRIX that were built, or any IMAGE that the engine
    has or can pull. It must train, save, load and quantize in a container
    without network.

    Images of a matrix must also be what their tags say; of another image only
    what it does is judged.

    \b
    Examples:
      envbuild verify matrices/quickstart.yaml
      envbuild verify pytorch/pytorch:latest --allow no-gpu
      envbuild verify my/image:1 --level deep --json
    """
    flags = running.flags(options)
    if target.endswith((".yaml", ".yml")) or target.startswith((".", "/")) or Path(target).is_file():
        return running.run(selection.select(Path(target), only), flags, build=False, verify=True)
    return one_image.verify(target, flags)
