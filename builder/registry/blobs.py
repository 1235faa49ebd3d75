"""Blobs: looked for, sent, fetched; each checked against its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from builder.registry.api import Blob, OnGot, OnSent, Sent
from builder.registry.asking import Repository
from builder.registry.retrying import PassingError, RefusedError
from builder.registry.uploading import Upload, size_of

STEP = 1 << 20  # bytes; who gets less far between two failures does not get on


def has(place: Repository, digest: str) -> int | None:
    """Bytes of a blob that is there, or None."""
    return place.until(f"looking for {digest[:19]} in {place}", lambda: size_of(place, digest))


def send(place: Repository, blob: Blob, on_sent: OnSent, sources: tuple[str, ...]) -> Sent:
    """Bring a blob there unless it is; `sources` are repositories that it may be mounted from."""
    others = tuple(source for source in sources if source != place.path)
    what = f"sending {blob.digest[:19]} to {place}"
    with closing(Upload(place, blob, on_sent, others)) as upload:
        return place.until(what, upload.once, lambda: upload.furthest // STEP)


def fetch(place: Repository, digest: str, file: BinaryIO, on_got: OnGot, size: int | None) -> None:
    """Write a blob to `file`, going on after a failure with the bytes that are missing."""
    hashed, at = hashlib.sha256(), 0

    def once() -> None:
        nonlocal size, at
        size = size_of(place, digest) if size is None else size
        if size is None:
            raise RefusedError("the registry does not have it")
        for block in _rest(place, digest, at) if at < size else ():
            if at + len(block) > size:
                raise RefusedError(f"it is longer than {size} bytes")
            file.write(block)
            hashed.update(block)
            at += len(block)
            on_got(at, size)
        if at < size:
            raise PassingError(f"only {at} of {size} bytes came")
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise RefusedError("the bytes that came are others than those of this digest")

    place.until(f"fetching {digest[:19]} from {place}", once, lambda: at // STEP)


def _rest(place: Repository, digest: str, at: int) -> Iterator[bytes]:
    """The bytes from `at` on, also from a registry that always sends all of them."""
    asked = {"Range": f"bytes={at}-"} if at else {}
    with place.look("GET", f"blobs/{digest}", (200, 206), asked) as reply:
        skip = at if reply.status == 200 else 0
        if reply.status == 206 and not reply.headers.get("Content-Range", "").startswith(f"bytes {at}-"):
            raise RefusedError("the registry sends another part than it was asked for")
        for block in reply.stream():
            if block[skip:]:
                yield block[skip:]
            skip = max(0, skip - len(block))
