"""Where a build's inputs come from: package indexes, interpreters' mirrors, a content-addressed store."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from builder.source.api import Source
from builder.source.pins import pins_txt
from builder.source.standalone import downloads_json

if TYPE_CHECKING:
    from builder.source.services import Answer

__all__ = ["downloads_json", "offline", "open_source", "pins_txt", "services", "store_folder"]


def open_source(store: Path | None = None, on_note: Callable[[str], None] = lambda _: None) -> Source:
    """The source of this machine. `store` defaults to $ENVBUILD_STORE, then to the user's cache folder.

    `on_note` is told what a user should know of the store. Opening costs nothing: settings are read, folders
    made and programs looked for when they are first needed.
    """
    from builder.source.host import HostSource  # noqa: PLC0415

    # uv's finder asks for these. Python 3.11 and older fill them without a lock at the first call, and cells
    # that start at once, in several threads, have met them half-filled.
    sysconfig.get_config_vars()
    return HostSource(root=store or store_folder(), on_note=on_note)


def offline() -> bool:
    """Whether this run may not ask any network (ENVBUILD_OFFLINE)."""
    from builder.source.host import is_offline  # noqa: PLC0415

    return is_offline(os.environ)


def services() -> tuple[Answer, ...]:
    """Which indexes and registries answer; see `services.ask`."""
    from builder.source.services import ask  # noqa: PLC0415

    return ask(dict(os.environ))


def store_folder() -> Path:
    """The folder that holds everything fetched and made, unless somebody names another."""
    import platformdirs  # noqa: PLC0415

    told = os.environ.get("ENVBUILD_STORE")
    return Path(told).expanduser().absolute() if told else Path(platformdirs.user_cache_dir("envbuild"))
