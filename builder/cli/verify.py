"""`envbuild verify`: the in-container proof, for the images of a matrix or for any image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from builder.cli import completing, one_image, running, selection
from builder.cli.options import run_options, verify_options
from builder.errors import InputError

# Options without a use where no matrix and no engine has a part in it.
OF_IMAGES = ("only", "shard", "out", "reverify")
OF_ENGINES = ("engine", "shard", "out", "reverify")


@click.command("verify")
@click.argument("target", metavar="[MATRIX|IMAGE]", required=False, shell_complete=completing.files)
@click.option(
    "--here", is_flag=True, help="Prove the environment that this runs in, without an engine and a container."
)
@click.option(
    "--python",
    metavar="PATH",
    shell_complete=completing.files,
    help="The Python of --here; default: the first on PATH that has torch.",
)
@run_options
@verify_options
def command(target: str | None, only: tuple[str, ...], **options: Any) -> int:
    """Prove the images of MATRIX that were built, or any IMAGE that the engine
    has or can pull. It must train, save, load and quantize in a container
    without network.

    Images of a matrix must also be what their tags say; of another image only
    what it does is judged. With --here it is the environment at hand; if a
    MATRIX is named, too, it must be the cell of --only.

    \b
    Examples:
      envbuild verify matrices/quickstart.yaml
      envbuild verify pytorch/pytorch:latest --allow no-gpu
      envbuild verify my/image:1 --level deep --json
      envbuild verify --here --junit report.xml
    """
    flags, here, python = running.flags(options), options["here"], options["python"]
    if here:
        _refuse("--here", OF_ENGINES if target else ("only", *OF_ENGINES), {"only": only, **options})
        from builder.cli import this_environment  # noqa: PLC0415

        return this_environment.verify(target, only, python, flags)
    if python is not None:
        raise InputError.of("--python goes with --here alone", hint="an image has its own Python")
    if target is None:
        raise InputError.of(
            "envbuild verify needs a matrix or an image", hint="or --here: the environment at hand"
        )
    if _is_matrix(target):
        return running.run(
            selection.select(Path(target), only, options["shard"]), flags, build=False, verify=True
        )
    _refuse("an image that no matrix tells of", OF_IMAGES, {"only": only, **options})
    return one_image.verify(target, flags)


def _is_matrix(target: str) -> bool:
    """Whether a file is meant, and not an image."""
    return target.endswith((".yaml", ".yml")) or target.startswith((".", "/")) or Path(target).exists()


def _refuse(kind: str, names: Sequence[str], given: Mapping[str, Any]) -> None:
    """Raise `InputError` for options that mean nothing to what is verified."""
    idle = [f"--{name}" for name in names if given[name]]
    if idle:
        verb = "means" if len(idle) == 1 else "mean"
        raise InputError.of(f"{' and '.join(idle)} {verb} nothing to {kind}", hint="leave that out")
