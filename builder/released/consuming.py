"""A published image + the copy that an engine pulled → whether that is the image, and holds what it says."""

from __future__ import annotations

from builder.check import Check
from builder.engine.api import About, ImageFacts
from builder.errors import CellError, OutsideError
from builder.papers import Contents
from builder.papers.parts import parts
from builder.released.values import Found, Image

ZSTD_FROM = 23  # the first Docker that unpacks zstd


def for_platform(found: Found, platform: str) -> Image:
    """The image that an engine of that platform is to pull. Raises `CellError` where there is none."""
    fitting = [one for one in found.images if one.platform == platform or not found.index]
    if not fitting:
        there = ", ".join(one.platform for one in found.images) or "nothing"
        raise CellError.of(f"{found.asked} has no image for {platform}", hint=f"it has {there}")
    return fitting[0]


def check_readable(image: Image, about: About) -> None:
    """Raise `OutsideError` for layers that this engine cannot unpack."""
    old = about.kind == "docker" and _major(about.version) < ZSTD_FROM and about.store != "containerd"
    if old and any(kind.endswith("+zstd") for kind in image.layer_types):
        raise OutsideError.of(
            f"Docker {about.version} cannot unpack the image: its layers are packed with zstd",
            hint=f"use Docker {ZSTD_FROM} or newer, or Podman; or publish the image with --compat",
        )


def identity(image: Image, facts: ImageFacts) -> Check:
    """Whether the engine has the very image. Its store may know it by its manifest; its layers tell then."""
    same = facts.layers == image.diff_ids and facts.id in (image.id, image.digest)
    return Check(
        id="pull.image",
        title="what was pulled is the image that the registry names",
        status="pass" if same else "fail",
        required=True,
        seconds=0.0,
        values={"id": facts.id, "config": image.id},
        reason=None if same else f"the engine has {facts.id[:19]} with other layers, or under another name",
    )


def contents(image: Image, found: Contents) -> Check:
    """Whether the packages in the image are those of its bill of materials."""
    real, listed = {part.purl for part in parts(found, ())}, set(image.packages)
    more, fewer = sorted(real - listed), sorted(listed - real)
    told = [f"not listed: {', '.join(more[:5])}"] * bool(more)
    told += [f"not there: {', '.join(fewer[:5])}"] * bool(fewer)
    return Check(
        id="pull.contents",
        title="what is in it is what its bill of materials lists",
        status="fail" if told else "pass",
        required=True,
        seconds=0.0,
        values={"packages": len(real)},
        reason="; ".join(told) or None,
    )


def papers(image: Image) -> Check:
    """Whether everything fits that the registry has with the image."""
    return Check(
        id="pull.papers",
        title="its papers are there and about this very image",
        status="fail" if image.problems else "pass",
        required=True,
        seconds=0.0,
        reason="; ".join(image.problems[:5]) or None,
    )


def _major(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else ZSTD_FROM
