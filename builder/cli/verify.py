"""`envbuild verify`: the in-container proof, for the images of a matrix or for any image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder import verification
from builder.cli import running, selection
from builder.cli.options import run_options, verify_options
from builder.cli.running import WAITS, Flags
from builder.matrix import VerifySettings
from builder.pipeline import Result
from builder.trial import Subject


@click.command("verify")
@click.argument("target", metavar="MATRIX|IMAGE")
@run_options
@verify_options
def command(target: str, only: tuple[str, ...], **options: Any) -> int:
    """Prove the images of MATRIX, or any IMAGE that the engine has or can pull.

    Images of a matrix are held against their recipes; of another image only what it does is judged, not what
    it should be.

    \b
    Examples:
      envbuild verify matrices/quickstart.yaml
      envbuild verify pytorch/pytorch:latest --allow no-gpu --json
    """
    flags = running.flags(options)
    if target.endswith((".yaml", ".yml")) or Path(target).is_file():
        return running.run(selection.select(Path(target), only), flags, build=False, verify=True)
    return _image(target, flags)


def _image(reference: str, flags: Flags) -> int:
    """Verify one image that no matrix tells about."""
    with running.ports(flags.engine) as outside:
        engine = outside.engine
        about = engine.about()
        found = engine.find(reference)
        if found is None:
            platform = "linux/arm64" if about.arch == "aarch64" else "linux/amd64"
            found = engine.pull(reference, platform, lambda _: None)
        subject = Subject(
            image=found.id,
            claim=None,
            settings=running.settings(VerifySettings(), flags),
            gpus=about.gpus if flags.gpus is None else flags.gpus,
            mnist=str(flags.data.resolve()) if flags.data else None,
        )
        proof = verification.verify(subject, None, engine, _tell(flags), outside.cancel)
    allowed = frozenset[str]().union(*(WAITS[name] for name in flags.allow))
    good = proof.status == "passed" or (proof.status == "not verified" and proof.waits_for <= allowed)
    result = Result(cell=reference, outcome=proof.status, verification=proof, exit_code=0 if good else 1)
    running.show((result,), as_json=flags.as_json)
    return result.exit_code


def _tell(flags: Flags) -> verification.OnCheck:
    """Says which check begins, on standard error."""

    def on_check(check: str) -> None:
        if not flags.quiet:
            click.echo(f"verify: {check}", err=True)

    return on_check
