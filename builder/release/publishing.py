"""Plan → Release: blobs first, the manifest by its digest, its papers, tags last.

An interruption leaves no tag on anything that is not whole; the next run sends what is missing and no more.
"""

from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import Future
from functools import partial

from builder.engine.api import Progress
from builder.errors import OutsideError
from builder.registry.api import Blob, Sent
from builder.release.attachments import attach, send_empty
from builder.release.packing import Packed
from builder.release.planning import OnProgress, Outside, Plan
from builder.release.values import How, Release, Sending


def publish(plan: Plan, outside: Outside, on_progress: OnProgress) -> Release:
    """Do what was planned. Raises `OutsideError` where the registry fails: then no tag names anything new."""
    registry, path = outside.registry, plan.target.path
    pending = [(layer, _begun(layer, plan, outside, on_progress)) for layer in plan.packed]
    layers = tuple(_sending(layer, plan, *future.result()) for layer, future in pending)
    if not plan.there:
        made = plan.verified.made
        config = Blob(digest=made.id, size=len(made.config), open=lambda: io.BytesIO(made.config))
        registry.send(path, config, lambda *_: None)
        outside.ports.go_on()
        on_progress(Progress(step="manifest"))
        put(plan.body, path, outside)
    for paper in plan.papers:
        outside.ports.go_on()
        if paper.digest not in plan.attached:
            on_progress(Progress(step=f"attach {paper.name}"))
            # Images that are published at once would each find it missing.
            outside.ports.shared.begin(
                f"empty config in {path}", partial(send_empty, registry, path)
            ).result()
            attach(paper, registry, path)
    signed = sign(plan.digest, path, outside, on_progress)
    for one in plan.tags:
        outside.ports.go_on()
        if one.step != "same":
            on_progress(Progress(step=f"tag {one.tag}"))
            put(plan.body, path, outside, one.tag)
    return Release(
        cell=plan.verified.image.cell,
        image=plan.verified.image.id,
        repository=f"{registry.host}/{path}",
        digest=plan.digest,
        tags=plan.target.tags,
        moved=tuple(one.tag for one in plan.tags if one.step == "moves"),
        layers=layers,
        papers=tuple((paper.name, paper.digest) for paper in plan.papers),
        signed=signed,
    )


def _begun(layer: Packed, plan: Plan, outside: Outside, on_progress: OnProgress) -> Future[tuple[str, Sent]]:
    """A blob that several images have is sent to a repository once: for which cell, and how."""
    name = f"sent {plan.target.path} {layer.blob.digest}"
    return outside.ports.shared.begin(name, partial(_sent, layer, plan, outside, on_progress))


def _sent(layer: Packed, plan: Plan, outside: Outside, on_progress: OnProgress) -> tuple[str, Sent]:
    cell = plan.verified.image.cell
    if layer.blob.digest in plan.held:
        return cell, Sent(how="there", sent=0)
    step = f"send {layer.blob.digest[7:19]}"

    def tell(sent: int, total: int) -> None:
        on_progress(Progress(step=step, current=sent, total=total))

    with outside.ports.shared.loading():
        outside.ports.go_on()
        return cell, outside.registry.send(plan.target.path, layer.blob, tell, plan.target.mount_from)


def _sending(layer: Packed, plan: Plan, cell: str, sent: Sent) -> Sending:
    """How a layer came to be there for this image, when it was seen to for `cell`."""
    theirs = sent.how != "there" and cell != plan.verified.image.cell
    how: How = "shared" if theirs else sent.how
    return Sending(
        diff_id=layer.diff_id,
        digest=layer.blob.digest,
        media_type=layer.media_type,
        size=layer.blob.size,
        how=how,
        sent=0 if theirs else sent.sent,
    )


def sign(digest: str, path: str, outside: Outside, on_progress: OnProgress) -> str | None:
    """See to a signature, where one is asked for: before any tag names that digest."""
    if outside.signer is None:
        return None
    outside.ports.go_on()
    on_progress(Progress(step="sign"))
    return outside.signer.sign(f"{outside.registry.host}/{path}@{digest}")


def put(body: bytes, path: str, outside: Outside, tag: str | None = None) -> None:
    """Put a manifest or index under its digest or a tag; what it names is in the registry."""
    wanted = f"sha256:{hashlib.sha256(body).hexdigest()}"
    found = outside.registry.put(path, body, json.loads(body)["mediaType"], tag)
    if found != wanted:
        raise OutsideError.of(
            f"the registry has {found} where {wanted} was put", hint="ask who keeps that registry"
        )
