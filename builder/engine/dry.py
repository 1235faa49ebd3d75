"""An engine that only remembers: for `--dry-run`, and for tests of the rooms before a real one."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from builder.engine.api import (
    About,
    Assembled,
    BuildRequest,
    Entry,
    ImageFacts,
    LayerFile,
    OnOutput,
    OnProgress,
    Progress,
    RunEnd,
    RunRequest,
)
from builder.errors import InputError, InterruptedByUserError, OutsideError

NOTHING_RAN = RunEnd(exit_code=0, out_of_memory=False, timed_out=False, stdout=b"", stderr=b"", seconds=0.0)
INSTRUCTION = re.compile(r"^(?:FROM|RUN|COPY|ADD|WORKDIR)\b.*", re.MULTILINE)


class DryEngine:
    """`Engine` without an engine: images are ids made of what was asked, containers end at once and empty.

    `on_build` and `on_run` are asked first: they may raise, and `on_run` returns how the container ended.
    What an empty end is worth is the caller's to say; nothing was verified by it.
    """

    def __init__(
        self,
        *,
        on_build: Callable[[BuildRequest], None] | None = None,
        on_run: Callable[[RunRequest], RunEnd] | None = None,
    ) -> None:
        self.requests: list[BuildRequest | RunRequest] = []
        self.images: dict[str, ImageFacts] = {}
        self._on_build, self._on_run = on_build, on_run

    def about(self) -> About:
        """Nobody, named as such."""
        return About(
            kind="dry",
            version="0",
            api="0",
            endpoint="dry-run",
            store="memory",
            arch="x86_64",
            cpus=1,
            memory=0,
            gpus=False,
            buildkit=True,
        )

    def find(self, reference: str) -> ImageFacts | None:
        """An image that this engine pulled, loaded or built."""
        name = _full(reference)
        return next(
            (each for each in self.images.values() if name in each.tags or reference == each.id), None
        )

    def labelled(self, label: str) -> tuple[ImageFacts, ...]:
        """The images that have that label."""
        name, _, value = label.partition("=")
        return tuple(
            image
            for image in self.images.values()
            if dict(image.labels).get(name) == value or ("=" not in label and name in dict(image.labels))
        )

    def pull(self, reference: str, platform: str, on_progress: OnProgress) -> ImageFacts:
        """Pretend that the image arrived."""
        on_progress(Progress(step=f"pulling {reference}", done=True))
        return self._add((reference, platform), reference, {})

    def build(self, request: BuildRequest, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Name the instructions that a build would run, and return an id made of the request."""
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted")
        dockerfile = next((entry for entry in request.context if entry.path == "Dockerfile"), None)
        if dockerfile is None:
            raise InputError.of("the build context has no Dockerfile")
        self.requests.append(request)
        if self._on_build:
            self._on_build(request)
        for step in INSTRUCTION.findall(_text(dockerfile)):
            on_progress(Progress(step=step))
            on_progress(Progress(step=step, done=True))
        content = [(entry.path, entry.mode, _digest(entry)) for entry in request.context]
        what = (sorted(content), request.target, sorted(request.args.items()), sorted(request.labels.items()))
        return self._add(what, request.tag, request.labels).id

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name, and take that from any other."""
        found = self.find(image)
        if found is None:
            raise OutsideError.of(f"tagging {image} as {reference} failed: no such image")
        self._move(reference, found.id)

    def untag(self, reference: str) -> None:
        """Take a name away, and the image with its last."""
        found = self.find(reference)
        if found is None:
            return
        left = tuple(tag for tag in found.tags if tag != _full(reference))
        if left and reference != found.id:
            self.images[found.id] = replace(found, tags=left)
        else:
            del self.images[found.id]

    def run(self, request: RunRequest, on_stdout: OnOutput, cancel: threading.Event) -> RunEnd:
        """Run nothing: an end without output, unless `on_run` knows another."""
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted")
        if self.find(request.image) is None:
            raise OutsideError.of(f"running {request.image} failed: no such image")
        self.requests.append(request)
        end = self._on_run(request) if self._on_run else NOTHING_RAN
        if end.stdout:
            on_stdout(end.stdout)
        return end

    def load(self, image: Assembled, on_progress: OnProgress, cancel: threading.Event) -> str:
        """Remember it by its image ID; its layers' files need not exist."""
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted")
        labels = (json.loads(image.config).get("config") or {}).get("Labels") or {}
        known = ImageFacts(
            id=image.id,
            size=sum(layer.size for layer in image.layers),
            tags=(),
            digests=(),
            labels=tuple(sorted(labels.items())),
            layers=tuple(layer.diff_id for layer in image.layers),
        )
        cached = image.id in self.images
        self.images.setdefault(image.id, known)
        on_progress(Progress(step="load the image", done=True, cached=cached))
        return image.id

    def save(self, image: str, skip: tuple[str, ...], folder: Path) -> tuple[LayerFile, ...]:  # noqa: ARG002  # nothing to skip or to write
        """No layers: nothing was built."""
        if self.find(image) is None:
            raise OutsideError.of(f"saving the layers of {image} failed: no such image")
        return ()

    def push(
        self, reference: str, auth: Mapping[str, str], on_progress: OnProgress, cancel: threading.Event
    ) -> str:
        """Send nothing; a digest made of the image's id. Credentials are not looked at."""
        del auth
        if cancel.is_set():
            raise InterruptedByUserError.of("interrupted")
        found = self.find(reference)
        if found is None:
            raise OutsideError.of(f"pushing {reference} failed: no such image")
        on_progress(Progress(step=f"pushing {reference}", done=True))
        return f"sha256:{hashlib.sha256(found.id.encode()).hexdigest()}"

    def read_layers(self, image: str) -> Iterable[bytes]:
        """No bytes: there are no layers."""
        if self.find(image) is None:
            raise OutsideError.of(f"reading {image} failed: no such image")
        return ()

    def sweep(self) -> int:
        """Nothing is ever left."""
        return 0

    def close(self) -> None:
        """Nothing is open."""

    def _add(self, what: object, reference: str | None, labels: Mapping[str, str]) -> ImageFacts:
        ident = f"sha256:{hashlib.sha256(repr(what).encode()).hexdigest()}"
        known = ImageFacts(id=ident, size=0, tags=(), digests=(), labels=tuple(sorted(labels.items())))
        self.images.setdefault(ident, known)
        if reference:
            self._move(reference, ident)
        return self.images[ident]

    def _move(self, reference: str, ident: str) -> None:
        name = _full(reference)
        for other, facts in self.images.items():
            tags = tuple(tag for tag in facts.tags if tag != name)
            self.images[other] = replace(facts, tags=(*tags, name) if other == ident else tags)


def _full(reference: str) -> str:
    """A name with its tag, as engines list it."""
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def _text(entry: Entry) -> str:
    content = entry.content.read_bytes() if isinstance(entry.content, Path) else entry.content
    return content.decode(errors="replace")


def _digest(entry: Entry) -> str:
    """By content, but files by name: they are wheels, named by what they are, and large."""
    if isinstance(entry.content, Path):
        return entry.content.name
    return hashlib.sha256(entry.content).hexdigest()
