"""This machine as a source: the parts put together."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from builder.source import debian_base, installer, pip_settings, surroundings, uv_settings
from builder.source.access import Access
from builder.source.api import OnFetch, Order, Pin, Supplies, Surroundings
from builder.source.download import Downloader
from builder.source.indexes import Indexes
from builder.source.resolver import Resolver
from builder.source.settings import Settings
from builder.source.standalone import Interpreters
from builder.source.store import Store


@dataclass(frozen=True, kw_only=True)  # no slots: cached_property keeps its values in the instance
class HostSource:
    """The `Source` of this machine; safe to use from several threads. `env` is read once, here."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def resolve(self, order: Order) -> Supplies:
        """Pin what `order` asks for; see `Resolver.pins` and `Interpreters.pin`."""
        wheels, notes = self._resolver.pins(order)
        interpreter = self._interpreters.pin(order.python, order.arch) if order.standalone else None
        return Supplies(wheels=wheels, interpreter=interpreter, notes=notes)

    def fetch(self, pin: Pin, on_fetch: OnFetch) -> Path:
        """The file in the store; see `Store.place` and `Downloader.bring`."""
        settings = self._interpreters.mirror_credentials() if pin.name == "cpython" else self._settings
        downloader = Downloader(access=Access(settings=settings))
        return self._store.place(pin, lambda partial: downloader.bring(pin, partial, on_fetch))

    def installer(self) -> Path:
        """The uv executable, checked to run in an image of this machine's architecture."""
        return installer.find_for_images()

    def surroundings(self) -> Surroundings:
        """See `surroundings.read`."""
        return surroundings.read(self.env)

    def bootstrap(self, os: str, codename: str) -> Path:
        """A Debian root file system's tar; see `debian_base.make`."""
        return debian_base.make(os, codename, root=self.root, env=self.env)

    @cached_property
    def _settings(self) -> Settings:
        return uv_settings.merged(pip_settings.read(self.env), self.env)

    @cached_property
    def _store(self) -> Store:
        return Store(root=self.root)

    @cached_property
    def _resolver(self) -> Resolver:
        indexes = Indexes(access=Access(settings=self._settings))
        return Resolver(settings=self._settings, env=self.env, indexes=indexes)

    @cached_property
    def _interpreters(self) -> Interpreters:
        return Interpreters(settings=self._settings, env=self.env, store=self._store)
