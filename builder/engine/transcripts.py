"""The engine's messages during a build → Progress, and what a report needs when the build fails."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, Protocol

from builder.engine import wire
from builder.engine.api import Progress
from builder.engine.lines import Lines, clean

# Podman's lines, and those of Docker's classic builder.
STEP = re.compile(r"((?:\[\d+/\d+\] )?(?:STEP \d+/\d+: .*|COMMIT\b.*)|Step \d+/\d+ : .*)")
REMOVING = "Removing intermediate container "
CACHED = ("--> Using cache", " ---> Using cache")


class Transcript(Protocol):
    """What was said so far."""

    def read(self, message: dict[str, Any]) -> Iterator[Progress]:
        """What one message of the stream tells."""

    def rest(self) -> Iterator[Progress]:
        """Torn last lines, when no more messages come."""

    def failure(self) -> tuple[str | None, str | None, tuple[str, ...]]:
        """The step that failed, its own error, and its last lines; None where nobody said."""


class BuildKitTranscript:
    """BuildKit's trace: steps of several branches at once, told by digest."""

    def __init__(self) -> None:
        self._vertexes: dict[str, wire.Vertex] = {}
        self._lines: dict[str, Lines] = {}

    def read(self, message: dict[str, Any]) -> Iterator[Progress]:
        """What a trace message tells. One that cannot be read costs progress, not the build."""
        aux = message.get("aux")
        if message.get("id") != "moby.buildkit.trace" or not isinstance(aux, str):
            return
        try:
            parts = wire.read(base64.b64decode(aux))
        except ValueError:
            return
        for part in parts:
            yield from self._part(part)

    def rest(self) -> Iterator[Progress]:
        """Torn last lines of every step."""
        for digest, lines in self._lines.items():
            yield from self._shown(digest, lines.rest())

    def failure(self) -> tuple[str | None, str | None, tuple[str, ...]]:
        """The first step with an error of its own; the others were only called off because of it."""
        failed = [vertex for vertex in self._vertexes.values() if vertex.error]
        failed.sort(key=lambda vertex: "context canceled" in vertex.error)
        if not failed:
            return None, None, ()
        lines = self._lines.get(failed[0].digest)
        return failed[0].name, failed[0].error, tuple(lines.tail) if lines else ()

    def _part(self, part: wire.Vertex | wire.Status | wire.Log) -> Iterator[Progress]:
        if isinstance(part, wire.Vertex):
            yield from self._vertex(part)
        elif isinstance(part, wire.Status):
            if part.current > 0 or part.total > 0:  # else it is not countable, as "exporting layers"
                total = part.total if part.total > 0 else None
                yield Progress(step=self._name(part.vertex), current=part.current, total=total)
        else:
            lines = self._lines.setdefault(part.vertex, Lines())
            yield from self._shown(part.vertex, lines.feed(part.msg))

    def _vertex(self, vertex: wire.Vertex) -> Iterator[Progress]:
        before = self._vertexes.get(vertex.digest)
        self._vertexes[vertex.digest] = vertex
        if vertex.completed and not (before and before.completed and before.cached == vertex.cached):
            yield Progress(step=vertex.name, done=True, cached=vertex.cached)
        elif vertex.started and not (before and before.started):
            yield Progress(step=vertex.name)

    def _shown(self, digest: str, lines: tuple[str, ...]) -> Iterator[Progress]:
        for line in lines:
            yield Progress(step=self._name(digest), line=line)

    def _name(self, digest: str) -> str:
        vertex = self._vertexes.get(digest)
        return vertex.name if vertex else digest


class PlainTranscript:
    """The stream of Podman and of the classic builder: text, with a line before each step's output."""

    def __init__(self) -> None:
        self._step = "reading the build context"
        self._lines = Lines()
        self._cached = False

    def read(self, message: dict[str, Any]) -> Iterator[Progress]:
        """What a piece of text tells."""
        text = str(message.get("stream") or "")
        over = text.startswith(REMOVING)  # the classic builder's own words, after the last of a step's output
        for line in self._lines.rest() if over else self._lines.feed(text.encode()):
            yield from self._line(line)

    def rest(self) -> Iterator[Progress]:
        """The torn last line, and the end of the last step."""
        for line in self._lines.rest():
            yield from self._line(line)
        yield Progress(step=self._step, done=True, cached=self._cached)

    def failure(self) -> tuple[str | None, str | None, tuple[str, ...]]:
        """The step under way when the stream ended; its error is told apart from it."""
        return self._step, None, tuple(self._lines.tail)

    def _line(self, line: str) -> Iterator[Progress]:
        if STEP.fullmatch(line):
            yield Progress(step=self._step, done=True, cached=self._cached)
            self._step, self._cached = clean(line.encode()), False
            self._lines.tail.clear()
            yield Progress(step=self._step)
        else:
            self._cached = self._cached or line.startswith(CACHED)
            yield Progress(step=self._step, line=line)
