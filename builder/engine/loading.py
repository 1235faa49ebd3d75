"""Loading an assembled image: what the store lacks goes in, and what came out of it is what was meant."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Literal

from builder.engine import archive, door, images
from builder.engine.api import Assembled, ImageFacts, OnProgress, Progress
from builder.engine.interruption import interruptible
from builder.engine.messages import error_of, messages
from builder.engine.refusals import failed, outside
from builder.errors import OutsideError

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

OURS = ("org.envbuild.cell", "org.envbuild.carrier")
# What is said for a layer that was left out: by Docker 20.10 to 28 and Podman 4 a path in the archive, by
# containerd's store a blob.
MISSING = re.compile(
    r"no such file or directory|content digest \S+: not found|layer tarfiles are missing", re.IGNORECASE
)
# containerd's store says so in an ordinary line, after "Loaded image".
UNPACKING = re.compile(r"Error unpacking image \S+: (.*)", re.DOTALL)
Store = Literal["chains", "containerd", "podman"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Loads into one engine. An image waits for another that brings the layer which it lacks first.

    `chains` is Docker's own store: it knows a layer only together with all below it. Docker unpacks an image
    on little more than one CPU, so others may come in beside it; into Podman goes one at a time.
    """

    client: APIClient
    store: Store
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _coming: set[tuple[str, ...]] = field(default_factory=set)  # layers with all below them, being sent
    _layers: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # of images; ids are content, so they stay true

    def load(self, image: Assembled, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Load it; the name by which the store knows it. Raises as `Engine.load` says."""
        ident = image.manifest_id if self.store == "containerd" else image.id
        with self._turn(image) as held:
            if self._is_whole(image, ident):
                on_progress(Progress(step=archive.STEP, done=True, cached=True))
                return ident
            watched = _Watched(on_progress, cancel)
            try:
                self._send(image, ident, held, watched)
            except OutsideError as error:
                if not held or not MISSING.search(str(error)):
                    raise
                self._send(image, ident, frozenset(), watched)
        on_progress(Progress(step=archive.STEP, done=True))
        return ident

    @contextmanager
    def _turn(self, image: Assembled) -> Iterator[frozenset[str]]:
        """What need not be sent, for as long as nobody else sends what comes first of the rest."""
        with self._changed:
            while (first := self._first(image, held := self._held(image))) in self._coming:
                self._changed.wait()
            self._coming.add(first)
        try:
            yield held
        finally:
            with self._changed:
                self._coming.remove(first)
                self._changed.notify_all()

    def _first(self, image: Assembled, held: Collection[str]) -> tuple[str, ...]:
        """The lowest layer to be sent, with all below it. The same for all where they take turns."""
        if self.store == "podman":
            return ()
        wanted = _diff_ids(image)
        return wanted[: sum(1 for _ in takewhile(held.__contains__, wanted)) + 1]

    def _send(self, image: Assembled, ident: str, held: Collection[str], watched: _Watched) -> None:
        try:
            _post(self.client, image, held, watched)
            if not self._is_whole(image, ident):
                raise OutsideError.of(
                    f"loading the image failed: the engine took it, but has no such image {ident}",
                    hint="its own log tells why; look there, then try again",
                )
        except BaseException:
            with suppress(OutsideError):
                self._remove_rest(image, ident)
            raise

    def _is_whole(self, image: Assembled, ident: str) -> bool:
        found = images.find(self.client, ident)
        return found is not None and found.id == ident and found.layers == _diff_ids(image)

    def _remove_rest(self, image: Assembled, ident: str) -> None:
        """containerd's store keeps an image that it could not unpack, and calls it loaded."""
        found = images.find(self.client, ident)
        if found is not None and found.layers != _diff_ids(image):
            images.untag(self.client, ident)

    def _held(self, image: Assembled) -> frozenset[str]:
        """The layers that need not be sent."""
        stacks = tuple(self._stacks(image.relatives))
        wanted = _diff_ids(image)
        if self.store == "chains":
            return frozenset(wanted[: max((_shared(wanted, stack) for stack in stacks), default=0)])
        return frozenset(wanted).intersection(chain.from_iterable(stacks))

    def _stacks(self, relatives: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The layers of images of our making, and of `relatives`."""
        for found in (each for label in OURS for each in images.labelled(self.client, label)):
            yield self._layers_of(found)
        if self.store == "containerd":
            return  # a layer that came from a registry lies there compressed, under another digest
        for reference in relatives:
            relative = images.find(self.client, reference)
            if relative is not None:
                yield relative.layers

    def _layers_of(self, image: ImageFacts) -> tuple[str, ...]:
        if image.id not in self._layers:
            found = images.find(self.client, image.id)
            if found is None or not found.layers:
                return ()
            self._layers[image.id] = found.layers
        return self._layers[image.id]


@dataclass(frozen=True, slots=True)
class _Watched:
    """Who is told, and who may stop it."""

    on_progress: OnProgress
    cancel: threading.Event


def _post(client: APIClient, image: Assembled, held: Collection[str], watched: _Watched) -> None:
    answers: list[Response] = []

    def stop() -> None:
        for response in answers:
            door.hang_up(client, response)

    body = archive.stream(image, held, watched.on_progress, watched.cancel)
    with (
        interruptible(watched.cancel, stop),
        outside("loading the image"),
        door.post(client, "/images/load", {"quiet": "0"}, body, door.TAR) as response,
    ):
        answers.append(response)
        for message in messages(response, "loading the image"):
            said = error_of(message) or _unpacking(message)
            if said:
                raise failed("loading the image", said)
            for progress in _progress(message):
                watched.on_progress(progress)


def _unpacking(message: dict[str, object]) -> str | None:
    found = UNPACKING.search(str(message.get("stream") or ""))
    return found[1].strip() if found else None


def _progress(message: dict[str, object]) -> Iterator[Progress]:
    """How far the engine is with unpacking a layer; Podman does not tell."""
    detail = message.get("progressDetail")
    if isinstance(detail, dict) and detail.get("total"):
        step = f"{archive.STEP}: unpack {message.get('id')}"
        yield Progress(step=step, current=int(detail.get("current") or 0), total=int(detail["total"]))


def _diff_ids(image: Assembled) -> tuple[str, ...]:
    return tuple(layer.diff_id for layer in image.layers)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many layers from the lowest on are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
