"""A reference → what the registry has under it, everything that can be compared compared."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from builder.errors import OutsideError
from builder.registry.api import DOCKER_INDEX, INDEX, Manifest, Referrer, Registry
from builder.registry.names import DIGEST, Reference
from builder.released import papers
from builder.released.documents import OddError, parsed, rows, take, word
from builder.released.papers import KINDS, About, Told
from builder.released.values import Attached, Found, Image

CONFIG_LIMIT, PAPER_LIMIT = 4 << 20, 64 << 20  # bytes
BASE = "org.opencontainers.image.base.name"
MOST_IMAGES, MOST_PAPERS, MOST_LAYERS = 32, 100, 500
SIGNATURES = ("application/vnd.dev.cosign", "application/vnd.dev.sigstore")


def read(reference: Reference, registry: Registry) -> Found:
    """Read all of it back. Raises `OutsideError` where the registry fails, or does not have the reference."""
    path, asked = reference.path, reference.digest or reference.tag or "latest"
    manifest = registry.manifest(path, asked)
    if manifest is None:
        named = reference.tag or reference.digest
        hint = "check its spelling; `envbuild publish` prints what it has published"
        hint = hint if named else f"name a tag or a digest: {reference}:TAG"
        raise OutsideError.of(f"{registry.host} has no {reference}{'' if named else ':latest'}", hint=hint)
    index = manifest.media_type in (INDEX, DOCKER_INDEX)
    problems: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    try:
        digests = _members(manifest) if index else [manifest.digest]
        images = tuple(_Reading(registry=registry, path=path, digest=one).image() for one in digests)
    except OddError as odd:
        problems = (f"the index cannot be read: {odd}",)
    if index and not images and not problems:
        problems = ("the index names no image",)
    return Found(
        asked=str(reference),
        repository=f"{registry.host}/{path}",
        digest=manifest.digest,
        index=index,
        images=images,
        problems=problems,
    )


def _members(manifest: Manifest) -> list[str]:
    """The digests of an index's images; what builders attach under an unknown platform is none."""
    entries = rows(parsed(manifest.body), "manifests")
    known = [one for one in entries if take(one, dict, "platform").get("os") != "unknown"]
    if len(known) > MOST_IMAGES:
        raise OddError(f"it names {len(known)} images")
    return [_digest(one) for one in known]


def _digest(descriptor: object) -> str:
    found = word(descriptor, "digest")
    if not DIGEST.fullmatch(found):
        raise OddError("it names something that is no digest")
    return found


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One image; what does not fit is noted, and the rest read."""

    registry: Registry
    path: str
    digest: str
    problems: list[str] = field(default_factory=list)

    def image(self) -> Image:
        """All of it."""
        manifest = self._manifest()
        config = self._config(manifest)
        about = About(digest=self.digest, image=_told(manifest, "config", "digest"))
        layers = self._layers(manifest, config)
        attached = self._referrers()
        found = list(self._papers(attached, about))
        told = [one for _, one in found]
        return Image(
            digest=self.digest,
            id=about.image,
            platform=f"{_told(config, 'os') or '?'}/{_told(config, 'architecture') or '?'}",
            created=_told(config, "created"),
            size=sum(one["size"] for one in layers),
            diff_ids=_diff_ids(config),
            layer_types=tuple(sorted({str(one.get("mediaType")) for one in layers})),
            annotations=_annotations(manifest),
            cell=self._one("cell", {one.cell for one in told if one.cell}),
            base=_told(manifest, "annotations", BASE) or None,
            papers=tuple(one for one, _ in found),
            verdict=next((one.verdict for one in told if one.verdict), None),
            packages=self._packages(told),
            signed=self._signed(attached),
            problems=tuple(self.problems),
        )

    def _manifest(self) -> dict[str, Any]:
        found = self.registry.manifest(self.path, self.digest)
        if found is None:
            self.problems.append("its manifest is not there")
            return {}
        return parsed(found.body)

    def _config(self, manifest: dict[str, Any]) -> dict[str, Any]:
        try:
            return parsed(self._blob(take(manifest, dict, "config"), CONFIG_LIMIT))
        except (OddError, OutsideError) as error:
            self._note("its config", error)
            return {}

    def _layers(self, manifest: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            layers = rows(manifest, "layers")
            sizes = [(_digest(one), take(one, int, "size")) for one in layers]
            if len(layers) > MOST_LAYERS:
                raise OddError(f"it names {len(layers)} layers")
        except OddError as error:
            self._note("its manifest", error)
            return []
        if len(sizes) != len(_diff_ids(config)):
            self.problems.append(f"it has {len(sizes)} layers, and its config names {len(_diff_ids(config))}")
        for digest, size in dict.fromkeys(sizes):
            there = self.registry.has(self.path, digest)
            if there != size:
                what = "not there" if there is None else f"{there} bytes long, not {size}"
                self.problems.append(f"layer {digest[7:19]} is {what}")
        return layers

    def _referrers(self) -> tuple[Referrer, ...]:
        found = self.registry.referrers(self.path, self.digest)
        if len(found) > MOST_PAPERS:
            self.problems.append(f"{len(found)} things are attached to it; {MOST_PAPERS} were looked at")
        return found[:MOST_PAPERS]

    def _papers(self, attached: tuple[Referrer, ...], about: About) -> Iterator[tuple[Attached, Told]]:
        """Ours among what is attached; what is missing is a problem, too."""
        missing = {name for name, _ in KINDS.values()}
        for one in attached:
            name = one.artifact_type[:80]
            try:
                found = self._paper(one, about)
            except (OddError, OutsideError) as error:
                self._note(f"a paper ({name})", error)
                continue
            if found:
                missing.discard(found[0].name)
                yield found
        self.problems += [f"{name} is not attached, or is no good" for name in sorted(missing)]

    def _paper(self, one: Referrer, about: About) -> tuple[Attached, Told] | None:
        if one.artifact_type not in {kind for kind, _ in KINDS}:
            return None
        manifest = self.registry.manifest(self.path, one.digest)
        if manifest is None:
            raise OddError("its manifest is not there")
        document = parsed(manifest.body)
        kind = papers.kind_of(one.artifact_type, document)
        if kind is None:
            return None
        name, reader = kind
        try:
            if take(document, str, "subject", "digest") != self.digest:
                raise OddError("it is attached to another image")
            blob = take(document, dict, "layers", 0)
            told = reader(parsed(self._blob(blob, PAPER_LIMIT)), about)
        except OddError as odd:
            raise OddError(f"{name}: {odd}") from None
        size = take(blob, int, "size")
        return Attached(name=name, kind=one.artifact_type, digest=one.digest, size=size), told

    def _blob(self, descriptor: dict[str, Any], limit: int) -> bytes:
        digest, size = _digest(descriptor), take(descriptor, int, "size")
        if not 0 <= size <= limit:
            raise OddError(f"it would be {size} bytes long")
        sink = io.BytesIO()
        self.registry.fetch(self.path, digest, sink, lambda *_: None, size=size)
        return sink.getvalue()

    def _one(self, what: str, found: set[str]) -> str | None:
        if len(found) > 1:
            self.problems.append(f"its papers name different {what}s: {', '.join(sorted(found))}")

        return min(found, default=None)

    def _packages(self, told: list[Told]) -> tuple[str, ...]:
        """What the bills of materials list, all of them the same."""
        found = {one.packages for one in told if one.packages is not None}
        if len(found) > 1:
            self.problems.append("its bills of materials do not list the same packages")
        return next(iter(sorted(found)), ())

    def _signed(self, attached: tuple[Referrer, ...]) -> bool:
        """Whether something is there that cosign made. Whose it is takes the key to say."""
        tag = f"{self.digest.replace(':', '-')}.sig"
        listed = any(one.artifact_type.startswith(SIGNATURES) for one in attached)
        return listed or self.registry.manifest(self.path, tag) is not None

    def _note(self, what: str, error: OddError | OutsideError) -> None:
        told = error.problems[0].message if isinstance(error, OutsideError) else str(error)
        self.problems.append(f"{what}: {told}")


def _told(document: dict[str, Any], *path: str) -> str:
    """A word, or nothing."""
    try:
        return word(document, *path)
    except OddError:
        return ""


def _diff_ids(config: dict[str, Any]) -> tuple[str, ...]:
    try:
        found = take(config, list, "rootfs", "diff_ids")
    except OddError:
        return ()
    return tuple(str(one)[:100] for one in found[:MOST_LAYERS])


def _annotations(manifest: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = manifest.get("annotations")
    pairs = found.items() if isinstance(found, dict) else ()
    return tuple(sorted((str(name)[:200], str(value)[:500]) for name, value in pairs))[:100]
