"""One blob on its way to a registry: in one piece while it is small, else in chunks, resumed where it can be.

What the registry has is asked of the registry: after a failure, nothing is sent again before that.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import BinaryIO

from builder.registry.api import Blob, OnSent, Sent
from builder.registry.asking import Call, Repository
from builder.registry.retrying import PassingError, RefusedError
from builder.registry.transport import Reply, Window

CHUNK = 16 << 20  # bytes; registries on object stores take no chunks below 5 MiB, but for the last
LOST = (400, 404, 405, 410, 416)  # of an upload under way: it is gone, or stands elsewhere
PIECES = 2  # uploads that are tried in chunks; some registries take a blob in one piece alone
OCTETS = {"Content-Type": "application/octet-stream"}


def size_of(place: Repository, digest: str) -> int | None:
    """One look for a blob: its bytes, or None."""
    with place.look("HEAD", f"blobs/{digest}", (200, 404)) as reply:
        length = reply.headers.get("Content-Length", "")
        if reply.status == 200 and not re.fullmatch(r"[0-9]{1,18}", length):
            raise RefusedError("the registry does not say how long it is")
        return int(length) if reply.status == 200 else None


class Upload:
    """`once` is called until the blob is there. `furthest` is how much the registry has had of it at most."""

    def __init__(self, place: Repository, blob: Blob, on_sent: OnSent, sources: tuple[str, ...]) -> None:
        self._place, self._blob, self._on_sent = place, blob, on_sent
        self._sources = list(sources)  # repositories that it is still to be mounted from
        self._file: BinaryIO | None = None  # opened when it is needed: making it may take long
        self._location = ""  # of the upload under way; empty: none is
        self._chunk = CHUNK
        self._at = 0  # bytes that the upload under way has
        self._losses = 0  # uploads that ended too early
        self._out = 0  # bytes that went out
        self.furthest = 0

    def once(self) -> Sent:
        """Go on to the end. Raises `PassingError`; the next call finds out how far this one came."""
        if self._there():
            return Sent(how="sent" if self._out else "there", sent=self._out)
        if self._location:
            self._find()
        if not self._location and self._begin():
            return Sent(how="mounted", sent=self._out)
        whole = self._at == 0 and self._blob.size <= self._chunk
        while not whole and self._at < self._blob.size:
            self._patch()
        self._finish(whole)
        if not self._there():
            raise PassingError("the registry took all of it, and does not have it")
        return Sent(how="sent", sent=self._out)

    def close(self) -> None:
        """Let go of the blob's stream."""
        if self._file:
            self._file.close()

    def _there(self) -> bool:
        found = size_of(self._place, self._blob.digest)
        if found not in (None, self._blob.size):
            raise RefusedError(f"the registry has {found} bytes under this digest, not {self._blob.size}")
        return found is not None

    def _begin(self) -> bool:
        """Begin an upload. True where the blob was mounted, and nothing is to be uploaded."""
        while self._sources:
            if self._mount(self._sources[0]):
                return True
            self._sources.pop(0)
        if not self._location:
            self._begun(self._place.send("POST", self._place.at("blobs/uploads/"), (202,), {}, b""))
        return False

    def _mount(self, source: str) -> bool:
        where = self._place.at(f"blobs/uploads/?mount={self._blob.digest}&from={source}")
        scopes = (self._place.push, replace(self._place, path=source).pull)
        try:
            reply = self._place.asking.ask(Call(method="POST", where=where, scopes=scopes), (201, 202))
        except RefusedError:  # a registry need not mount, and this login need not be one for `source`
            return False
        if reply.status == 202:
            self._begun(reply)
            return False
        with reply:
            return self._there()

    def _begun(self, reply: Reply) -> None:
        with reply:
            least = reply.headers.get("OCI-Chunk-Min-Length", "")
            self._chunk = max(CHUNK, int(least) if re.fullmatch(r"[0-9]{1,18}", least) else 0)
            if self._losses >= PIECES:
                self._chunk = max(self._chunk, self._blob.size)
            self._at = 0
            self._location = self._located(reply)

    def _find(self) -> None:
        """Ask where the upload under way stands; it may be no more."""
        with self._place.send("GET", self._location, (200, 202, 204, *LOST), {}, b"") as reply:
            if reply.status in LOST:
                self._lose()
            else:
                self._moved(reply, 0, self._blob.size)

    def _patch(self) -> None:
        first, size = self._at, min(self._chunk, self._blob.size - self._at)
        headers = {**OCTETS, "Content-Range": f"{first}-{first + size - 1}"}
        body, accepted = self._window(first, size), (201, 202, 204, *LOST)
        with self._place.send("PATCH", self._location, accepted, headers, body) as reply:
            self._check(reply)
            self._moved(reply, first + size, first + size)
        if self._at <= first:
            raise PassingError("the registry took nothing of what was sent")

    def _finish(self, whole: bool) -> None:
        """End the upload; `whole`: with all of the blob, of which nothing was sent before."""
        where = f"{self._location}{'&' if '?' in self._location else '?'}digest={self._blob.digest}"
        body = self._window(0, self._blob.size) if whole and self._blob.size else b""
        with self._place.send("PUT", where, (200, 201, 204, *LOST), OCTETS, body) as reply:
            self._check(reply)
            named = reply.headers.get("Docker-Content-Digest", self._blob.digest)
        if named != self._blob.digest:
            raise RefusedError(f"the registry keeps it as {named[:71]}")

    def _check(self, reply: Reply) -> None:
        """Raise where the upload cannot go on like this."""
        if reply.status in LOST:
            said = self._place.asking.said(reply)
            if "DIGEST_INVALID" in said and self._losses:  # not once, by some accident, but each time
                raise RefusedError(said, "the file was changed since its digest was made: run it again")
            if reply.status != 416:  # then it may only stand elsewhere
                self._lose()
            raise PassingError(f"the upload broke off: {said}")

    def _lose(self) -> None:
        self._location, self._at = "", 0
        self._losses += 1

    def _moved(self, reply: Reply, default: int, most: int) -> None:
        """Take over where the upload is now, and how much of the blob it has."""
        self._location = self._located(reply)
        span = re.fullmatch(r"(?:bytes=)?0-([0-9]{1,18})", reply.headers.get("Range", ""))
        end = int(span[1]) if span else default - 1
        self._at = end + 1 if end else 0  # `0-0` is what registries say of nothing
        if self._at > most:
            self._lose()
            raise PassingError("the registry says that it has more than was sent")
        self.furthest = max(self.furthest, self._at)

    def _located(self, reply: Reply) -> str:
        location = reply.headers.get("Location") or self._location
        if not location:
            raise RefusedError("the registry does not say where to send it")
        return self._place.asking.within(location)

    def _window(self, first: int, size: int) -> Window:
        self._file = self._file or self._blob.open()
        return Window(self._file, first, size, self._read)

    def _read(self, position: int, count: int) -> None:
        self._out += count
        self._place.asking.retrying.go_on()
        self._on_sent(position, self._blob.size)
