"""This machine as a source: the parts put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from builder.errors import OutsideError
from builder.source import debian_base, installer, pip_settings, surroundings, uv_settings
from builder.source.access import Access
from builder.source.api import GoOn, OnFetch, Order, Pin, Rootfs, Supplies, Surroundings, always
from builder.source.download import Downloader
from builder.source.indexes import Indexes
from builder.source.mirror import Mirror
from builder.source.places import Places
from builder.source.resolver import Resolver
from builder.source.scrub import shown
from builder.source.settings import Settings
from builder.source.standalone import Interpreters
from builder.source.store import OnNote, Store, sha256_of

MIRROR, OFFLINE = "ENVBUILD_MIRROR", "ENVBUILD_OFFLINE"
ON = frozenset({"1", "true", "yes", "on"})
MISSING = (
    "it lay in a folder or index of the machine that made the lock: name that one in pip's settings here"
)
MISSING_OFFLINE = (
    "`envbuild fetch MATRIX --to DIR` where there is a network, then name DIR in ENVBUILD_MIRROR here"
)


@dataclass(frozen=True, kw_only=True)  # no slots: cached_property keeps its values in the instance
class HostSource:
    """The `Source` of this machine; safe to use from several threads. `env` is read once, here.

    `on_note` is told what a user should know of the store.
    """

    root: Path
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    on_note: OnNote = lambda _: None

    def resolve(self, order: Order) -> Supplies:
        """Pin what `order` asks for; see `Resolver.pins` and `Interpreters.pin`."""
        wheels, notes = self._resolver.pins(order)
        interpreter = self._interpreters.pin(order.python, order.arch) if order.standalone else None
        return Supplies(wheels=wheels, interpreter=interpreter, notes=notes)

    def offers(self, python: str, arch: str) -> str:
        """See `Interpreters.offered`."""
        return self._interpreters.offered(python, arch)

    def fetch(self, pin: Pin, on_fetch: OnFetch) -> Path:
        """The file in the store; see `Store.place` and `Downloader.bring`."""
        return self._store.place(pin, lambda partial: self._bring(pin, partial, on_fetch))

    def _bring(self, pin: Pin, partial: Path, on_fetch: OnFetch) -> None:
        """From the mirror folder, its address, or where this machine is configured to look, in this order."""
        access = Access(settings=self._settings_for(pin))
        url = self._mirror.address(pin) or self._url(pin, access)
        Downloader(access=access).bring(replace(pin, url=url), partial, on_fetch)

    def _url(self, pin: Pin, access: Access) -> str:
        """Where to get a pin that the mirror folder does not have."""
        remote = pin.url is not None and not pin.url.startswith("file:")
        url = pin.url or Places(access=access, env=self.env).find(pin, offline=self._offline)
        if url is None or (remote and self._offline):
            where = f" (it is at {shown(url)})" if url else ""
            why = (
                f"offline, {pin.filename} cannot be fetched"
                if self._offline
                else f"{pin.filename} is nowhere"
            )
            raise OutsideError.of(
                f"{why}{where}: sha256 {pin.sha256}", hint=MISSING_OFFLINE if self._offline else MISSING
            )
        return url

    def _settings_for(self, pin: Pin) -> Settings:
        """pip's settings; an interpreter's mirror has its own login, and apt its own proxy."""
        if pin.name == "cpython":
            return self._interpreters.mirror_credentials()
        if pin.filename.endswith(".deb"):
            return replace(self._settings, proxy=surroundings.apt_proxy() or self._settings.proxy)
        return self._settings

    def installer(self) -> Path:
        """The uv executable, checked to run in an image of this machine's architecture."""
        return installer.find_for_images()

    def surroundings(self) -> Surroundings:
        """See `surroundings.read`."""
        return surroundings.read(self.env)

    def bootstrap(self, os: str, codename: str, go_on: GoOn = always, arch: str = "") -> Path:
        """A Debian root file system's tar; see `debian_base.Bases`."""
        if self._offline:
            raise OutsideError.of(f"offline, no base image for {os} can be made", hint=MISSING_OFFLINE)
        return self._bases.make(os, codename, go_on, arch)

    def rootfs(self, tar: Path) -> Rootfs:
        """See `debian_base.facts`."""
        return debian_base.facts(tar)

    def base_layers(self, diff_ids: tuple[str, ...]) -> tuple[Path, ...] | None:
        """From the mirror folder, or of an earlier bootstrap."""
        found = []
        for diff_id in diff_ids:
            sha256 = diff_id.removeprefix("sha256:")
            kept = self._mirror.layer(sha256) or self._bases.find(sha256)
            if kept is None:
                return None
            if sha256_of(kept) != sha256:
                raise OutsideError.of(f"{kept} is not the layer that its name says", hint=MISSING)
            found.append(kept)
        return tuple(found)

    @property
    def _offline(self) -> bool:
        return is_offline(self.env)

    @cached_property
    def _mirror(self) -> Mirror:
        return Mirror(root=Path(self.env[MIRROR]).expanduser().absolute() if self.env.get(MIRROR) else None)

    @cached_property
    def _settings(self) -> Settings:
        return uv_settings.merged(pip_settings.read(self.env), self.env)

    @cached_property
    def _bases(self) -> debian_base.Bases:
        return debian_base.Bases(root=self.root, env=self.env, on_note=self.on_note)

    @cached_property
    def _store(self) -> Store:
        return Store(root=self.root, on_note=self.on_note)

    @cached_property
    def _resolver(self) -> Resolver:
        indexes = Indexes(access=Access(settings=self._settings), offline=self._offline)
        return Resolver(settings=self._settings, env=self._uv_env, indexes=indexes)

    @cached_property
    def _interpreters(self) -> Interpreters:
        return Interpreters(settings=self._settings, env=self._uv_env, store=self._store)

    @property
    def _uv_env(self) -> dict[str, str]:
        """The environment that uv's is made of: what forbids envbuild the network forbids it uv."""
        return self.env | ({"UV_OFFLINE": "1"} if self._offline else {})


def is_offline(env: Mapping[str, str]) -> bool:
    """Whether the environment forbids networks."""
    return env.get(OFFLINE, "").lower() in ON
