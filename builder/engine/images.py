"""Images in the engine's store: what is there, what comes in, what it is called."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from builder.engine import door
from builder.engine.api import ImageFacts, OnProgress, Progress
from builder.engine.messages import error_of, messages
from builder.engine.refusals import outside, refused
from builder.errors import OutsideError

if TYPE_CHECKING:
    from docker import APIClient

# Podman spells the registry of every name out, Docker that of others than its own only.
OWN_REGISTRIES = ("docker.io/library/", "docker.io/", "localhost/")


def find(client: APIClient, reference: str) -> ImageFacts | None:
    """The image of that name or id, or None."""
    import docker.errors  # noqa: PLC0415

    with outside(f"looking for {reference}"):
        try:
            found: Any = client
            return _facts(found.inspect_image(reference))
        except docker.errors.NotFound:
            return None


def labelled(client: APIClient, label: str) -> tuple[ImageFacts, ...]:
    """All images with that label, as a list tells them. All: Podman hides one that others are built upon."""
    with outside(f"listing the images with the label {label}"):
        listed: Any = client.images(all=True, filters={"label": label})
    return tuple(
        ImageFacts(
            id=_sha256(str(each["Id"])),
            size=int(each.get("Size") or 0),
            tags=_names(each.get("RepoTags")),
            digests=_names(each.get("RepoDigests")),
            labels=tuple(sorted((each.get("Labels") or {}).items())),
            created=int(each.get("Created") or 0),
        )
        for each in listed
    )


def pull(client: APIClient, reference: str, platform: str, on_progress: OnProgress) -> ImageFacts:
    """Bring an image in. An exception out of `on_progress` ends the pull."""
    what = f"pulling {reference}"
    layers = _Layers(reference)
    with outside(what, refused):
        # Credentials are looked up by docker-py for this one registry, and go into this one request's header.
        with _pull_response(client, reference, platform) as response:
            for message in messages(response, what):
                said = error_of(message)
                if said:
                    raise refused(what, said)
                on_progress(layers.progress(message))
        image = find(client, reference) if layers.arrived else None
    if image is None:
        raise OutsideError.of(
            f"{what} failed: the engine reported success, but has no such image",
            hint="its own log tells why; look there, then try again",
        )
    return image


def _pull_response(client: APIClient, reference: str, platform: str) -> Any:
    from docker import auth, utils  # noqa: PLC0415

    name, tag = utils.parse_repository_tag(reference)
    header = auth.get_config_header(client, auth.resolve_repository_name(name)[0])
    params = {"fromImage": name, "tag": tag or "latest", "platform": platform}
    return door.post(
        client, "/images/create", params, None, {"X-Registry-Auth": str(header, "ascii")} if header else {}
    )


class _Layers:
    """Adds up what a pull says about each layer."""

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._bytes: dict[str, tuple[int, int]] = {}
        self.arrived = False  # Docker ends with a digest, Podman with the image's id

    def progress(self, message: dict[str, Any]) -> Progress:
        """What one message adds."""
        status, layer = str(message.get("status") or ""), str(message.get("id") or "")
        self.arrived = self.arrived or status.startswith(("Digest: ", "Status: ")) or len(layer) >= 64
        detail = message.get("progressDetail")
        if status == "Downloading" and isinstance(detail, dict) and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current") or 0), int(detail["total"]))
        elif status == "Download complete" and layer in self._bytes:
            self._bytes[layer] = (self._bytes[layer][1],) * 2
        current, total = (sum(column) for column in zip((0, 0), *self._bytes.values(), strict=True))
        return Progress(
            step=f"pulling {self._reference}",
            current=current if total else None,
            total=total or None,
            line=None if detail else f"{layer}: {status}".removeprefix(": "),
        )


def tag(client: APIClient, image: str, reference: str) -> None:
    """Give an image one more name."""
    from docker import utils  # noqa: PLC0415

    name, label = utils.parse_repository_tag(reference)
    with outside(f"tagging {image} as {reference}"):
        client.tag(image, name, label or "latest")


def untag(client: APIClient, reference: str) -> None:
    """Take a name away; nothing happens where there is none."""
    import docker.errors  # noqa: PLC0415

    with outside(f"removing the name {reference}"):
        try:
            client.remove_image(reference)
        except docker.errors.NotFound:
            return


def read_layers(client: APIClient, image: str) -> Iterator[bytes]:
    """The image as the engine saves it, in chunks."""
    with outside(f"reading {image}"):
        yield from client.get_image(image, chunk_size=1024 * 1024)


def _facts(found: dict[str, Any]) -> ImageFacts:
    config = found.get("Config") or {}
    return ImageFacts(
        id=_sha256(str(found["Id"])),
        size=int(found.get("Size") or 0),
        tags=_names(found.get("RepoTags")),
        digests=_names(found.get("RepoDigests")),
        labels=tuple(sorted((config.get("Labels") or {}).items())),
        env=tuple(
            (name, value) for name, _, value in (line.partition("=") for line in config.get("Env") or ())
        ),
        layers=tuple((found.get("RootFS") or {}).get("Layers") or ()),
        platform=f"{found.get('Os')}/{found.get('Architecture')}",
        created=_seconds(str(found.get("Created") or "")),
    )


def _names(references: list[str] | None) -> tuple[str, ...]:
    """As they are typed. Docker's lists before 28 write `<none>:<none>` for no name."""
    return tuple(_familiar(each) for each in references or () if "<none>" not in each)


def _seconds(moment: str) -> int:
    """RFC 3339 in UTC → whole seconds since 1970; 0 where nothing else is told."""
    try:
        return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0


def _sha256(ident: str) -> str:
    return ident if ident.startswith("sha256:") else f"sha256:{ident}"


def _familiar(reference: str) -> str:
    own = next((prefix for prefix in OWN_REGISTRIES if reference.startswith(prefix)), "")
    return reference.removeprefix(own)
