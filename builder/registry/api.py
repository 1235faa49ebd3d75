"""A registry as rooms see it: one Protocol and the values that cross it.

Bytes, names and digests (`sha256:…`), no cells. A `repository` is a path in the registry (`team/torch`), a
`reference` a tag or a digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

# Media types of the OCI image specification, and Docker's older ones.
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

OnSent = Callable[[int, int], None]  # bytes so far (fewer than before after a failure), bytes in all
OnGot = Callable[[int, int], None]  # bytes so far, bytes in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """What is to be sent. `open` gives a new, seekable stream of all `size` bytes; the caller closes it."""

    digest: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How a blob came to be there. `sent` are the bytes that went out, those of failed attempts included."""

    how: Literal["there", "mounted", "sent"]
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or index. `digest` is the sha256 of `body`, made here."""

    digest: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A manifest that names another as its subject. `size` in bytes."""

    digest: str
    size: int
    media_type: str
    artifact_type: str
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`left` of `most` images may still be pulled, within any `seconds`."""

    most: int
    left: int
    seconds: int


class Registry(Protocol):
    """An OCI registry; can be used from several threads.

    Every method raises `OutsideError` where the registry or the network fails, after several attempts where
    the failure may pass; `InputError` for a name that no registry takes; `InterruptedByUserError` once the
    event given to `connect` is set.
    """

    @property
    def host(self) -> str:
        """The name by which users know it: `host` or `host:port`."""

    def allowance(self) -> Allowance | None:
        """What the registry says of how much may still be pulled; asking uses nothing up."""

    def has(self, repository: str, digest: str) -> int | None:
        """Bytes of a blob that is there, or None."""

    def send(self, repository: str, blob: Blob, on_sent: OnSent, mount_from: tuple[str, ...] = ()) -> Sent:
        """Bring a blob there unless it is; `mount_from` are repositories of this registry that may have it.

        When this returns, the registry has said that it has the blob, with that size.
        """

    def fetch(
        self, repository: str, digest: str, sink: BinaryIO, on_got: OnGot, *, size: int | None = None
    ) -> None:
        """Write a blob to `sink`. When this raises, what was written is worth nothing: only at the end is it
        known that the bytes are those of `digest`. `size` (default: what the registry says) bounds them.
        """

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """A manifest or index, or None where the registry does not know it. At most 4 MiB."""

    def put(self, repository: str, body: bytes, media_type: str, reference: str | None = None) -> str:
        """Put a manifest under its digest, or under a tag (and so under its digest as well). Returns the
        digest after reading the manifest back and comparing it.
        """

    def attach(self, repository: str, body: bytes, media_type: str) -> str:
        """Put a manifest that has a `subject`, so that `referrers` of the subject lists it. Its digest."""

    def referrers(
        self, repository: str, digest: str, artifact_type: str | None = None
    ) -> tuple[Referrer, ...]:
        """What names that manifest as its subject, of one artifact type or of all."""

    def close(self) -> None:
        """Let go of connections."""
