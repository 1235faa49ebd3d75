"""`envbuild pull-check`: published images as who uses them gets them."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from builder import papers
from builder.cli import one_image, running
from builder.cli.options import registry_options, verify_options
from builder.cli.running import Flags
from builder.cli.screen import warn
from builder.errors import EnvbuildError, InterruptedByUserError
from builder.pipeline import Result
from builder.ports import Ports
from builder.registry import connect, parse
from builder.released import Image, consuming, read
from builder.report.follow import Viewer, watching
from builder.verification import Verification


@click.command("pull-check")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@registry_options
@click.option("--keep", is_flag=True, help="Leave what was pulled in the engine.")
@click.option(
    "--engine",
    metavar="URL",
    help="The container engine's address; default: DOCKER_HOST, then the Docker or Podman that answers.",
)
@click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, only results.")
@verify_options
def command(references: tuple[str, ...], **options: Any) -> int:
    """Pull published images by digest, as those who use them do, and prove them
    on this engine: the image is the one that the registry names, it trains, and
    what is in it is what its papers list.

    \b
    Examples:
      envbuild pull-check registry.example.com/team/torch:latest
      envbuild pull-check example.com/team/torch:2.8 --engine unix:///run/o.sock
    """
    flags = running.flags({"jobs": 2, "fail_fast": False, "out": None, "verbose": False, **options})
    with (
        running.ports(flags.engine) as outside,
        watching(running.view(len(references), ("verify",), flags, outside)) as viewer,
    ):
        consumer = _Consumer(options=options, flags=flags, outside=outside, viewer=viewer)
        results = tuple(map(consumer.checked, references))
    running.show(results, None, flags)
    return max(result.exit_code for result in results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consumer:
    """Pulls and proves one reference after the other."""

    options: dict[str, Any]
    flags: Flags
    outside: Ports
    viewer: Viewer

    def checked(self, asked: str) -> Result:
        """What became of one reference; its own failure is in the result."""
        try:
            image, reference = self._published(asked)
            if reference != asked and not self.flags.quiet:
                warn(f"{asked} is {reference}")
            proof = self._proven(asked, image, reference)
        except InterruptedByUserError:
            raise
        except EnvbuildError as error:
            return Result(cell=asked, outcome="error", problems=error.problems, exit_code=error.exit_code)
        allowed = proof.status == "not verified" and proof.waits_for <= running.allowed(self.flags)
        code = 0 if proof.status == "passed" or allowed else 1
        return Result(cell=asked, outcome=proof.status, verification=proof, exit_code=code)

    def _published(self, asked: str) -> tuple[Image, str]:
        """The image for this engine's platform, and its name by digest."""
        reference, outside = parse(asked), self.outside
        plain, ca = self.options["plain_http"], self.options["ca"]
        connected = connect(reference.host, plain_http=plain, ca=ca, cancel=outside.cancel)
        with closing(connected) as registry:
            found = read(reference, registry)
        image = consuming.for_platform(found, one_image.platform(outside))
        consuming.check_readable(image, outside.engine.about())
        return image, f"{found.repository}@{image.digest}"

    def _proven(self, asked: str, image: Image, reference: str) -> Verification:
        """The verdict on the pulled copy, which is taken away again unless it was there before."""
        outside = self.outside
        before = outside.engine.find(reference)
        facts = before or one_image.pulled(asked, reference, image.platform, outside, self.viewer)
        try:
            proof = one_image.proven(asked, facts.id, self.flags, outside, self.viewer)
            # What cannot even start cannot be listed: why it cannot is what is told.
            real = papers.contents(facts.id, outside) if proof.status != "error" else None
        finally:
            if before is None and not self.options["keep"]:
                outside.engine.untag(reference)
        own = (
            consuming.identity(image, facts),
            consuming.papers(image),
            *([consuming.contents(image, real)] if real else []),
        )
        proof = dataclasses.replace(proof, checks=(*own, *proof.checks))
        wrong = [f"{check.id}: {check.reason}" for check in own if check.status == "fail"]
        if not wrong:
            return proof
        reason = "; ".join((*wrong, *([proof.reason] if proof.reason else [])))
        return dataclasses.replace(proof, status="failed", reason=reason)
