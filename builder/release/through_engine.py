"""The engine's own push as the way into a registry, for where nothing but the engine reaches it.

The registry itself is not asked: not what a tag names now, nor what it has already. So a tag that must not
move is not pushed at all, unless that was asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from builder.engine.api import Engine, MayPassError, Progress
from builder.errors import OutsideError
from builder.ports import Ports
from builder.registry.retrying import PassingError, Retrying
from builder.release.planning import Target
from builder.release.values import Release, Verified, refused

NO_POINTERS = "not through the engine, which cannot tell whether all of its cells are published"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByEngine:
    """The registry at `host`, as the engine of `ports` reaches it. `auth` as `Engine.push` takes it."""

    host: str
    ports: Ports
    retrying: Retrying
    auth: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """One image's way: what the engine is to push, under which tags of which `host/path`."""

    verified: Verified
    repository: str
    tags: tuple[str, ...]

    @property
    def references(self) -> tuple[str, ...]:
        """The names to push."""
        return tuple(f"{self.repository}:{tag}" for tag in self.tags)


def planned(verified: Verified, target: Target, way: ByEngine) -> Handing:
    """What the engine is to do. Raises `CellError` for a tag that must not move, and where the engine has the
    image under a name that is not what was proven.
    """
    if verified.image.stored not in (verified.made.id, verified.made.manifest_id):
        raise refused(
            verified.image.cell, f"the engine has it as another image ({verified.image.stored[:19]})"
        )
    fixed = next((tag for tag in target.tags if tag in target.immutable), None)
    if fixed:
        raise refused(
            verified.image.cell,
            f"the tag {fixed} must not move, and through the engine nobody sees whether it would",
            hint=f"publish without `--through engine`, or say that it may: --force {fixed}",
        )
    return Handing(verified=verified, repository=f"{way.host}/{target.path}", tags=target.tags)


def publish(handing: Handing, way: ByEngine, on_progress: Callable[[Progress], None]) -> Release:
    """Let the engine push each tag; what it told. Raises `OutsideError` where engine or registry fail: tags
    pushed until then stay.
    """
    image = handing.verified.image
    digests = [_pushed(image.stored, reference, way, on_progress) for reference in handing.references]
    if len(set(digests)) != 1:
        raise OutsideError.of(
            f"the engine told several digests for one image: {', '.join(digests)}",
            hint="look what the registry has under these tags; `--through registry` packs an image once",
        )
    return Release(
        cell=image.cell,
        image=image.id,
        repository=handing.repository,
        digest=digests[0],
        tags=handing.tags,
        moved=(),
        layers=(),
        papers=(),
        through="engine",
    )


def _pushed(stored: str, reference: str, way: ByEngine, on_progress: Callable[[Progress], None]) -> str:
    """The digest of one name's manifest."""
    engine, cancel = way.ports.engine, way.ports.cancel

    def once() -> str:
        try:
            return engine.push(reference, way.auth, on_progress, cancel)
        except MayPassError as error:
            raise PassingError(str(error)) from error

    with way.ports.shared.loading(), _named(stored, reference, engine):
        digest = way.retrying.until("the engine's push", once)
        found = engine.find(reference)
        if found is None or found.id != stored:
            raise OutsideError.of(
                f"{reference} was given to another image while it was pushed: what the registry has is not "
                "known",
                hint="let nobody else tag images in this engine meanwhile, and run it again",
            )
        return digest


@contextmanager
def _named(stored: str, reference: str, engine: Engine) -> Iterator[None]:
    """The image under that name; afterwards the name is what it was before."""
    before = engine.find(reference)
    if before is None or before.id != stored:
        engine.tag(stored, reference)
    try:
        yield
    finally:
        if before is None:
            engine.untag(reference)
        elif before.id != stored:
            engine.tag(before.id, reference)
