"""A pin without an address → where this machine has that file: find-links, indexes, a mirror of Pythons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from builder.source.access import Access
from builder.source.api import Pin
from builder.source.scrub import bare
from builder.source.store import sha256_of

HREF = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
BUILD = re.compile(r"\+(\d+)-")  # of a standalone Python: the folder of its release on a mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Looks for files by name. `env` is the host's environment."""

    access: Access
    env: Mapping[str, str]

    def find(self, pin: Pin, *, offline: bool) -> str | None:
        """The address of a file that has the pin's name and, as far as can be told here, its sha256."""
        for url in self._candidates(pin, offline=offline):
            path = _local(url)
            if path is None:
                if not offline and urlsplit(url).fragment in ("", f"sha256={pin.sha256}"):
                    return bare(url)
            elif path.is_file() and sha256_of(path) == pin.sha256:
                return path.as_uri()
        return None

    def _candidates(self, pin: Pin, *, offline: bool) -> Iterator[str]:
        if pin.name == "cpython":
            yield from _interpreters(pin, self.env)
            return
        settings = self.access.settings
        for place in settings.find_links:
            folder = _local(place)
            if folder is not None and folder.is_dir():
                yield (folder / pin.filename).as_uri()
            elif folder is not None or not offline:
                yield from self._linked(place, pin)
        for index in () if settings.no_index else (settings.index, *settings.extra_indexes):
            if index and (_local(index) is not None or not offline):
                yield from self._linked(f"{index.rstrip('/')}/{pin.name}/", pin)

    def _linked(self, page: str, pin: Pin) -> Iterator[str]:
        """What a page of links offers under the pin's file name."""
        for href in HREF.findall(self._text(page)):
            url = urljoin(page, unescape(href))
            if unquote(urlsplit(url).path).rpartition("/")[2] == pin.filename:
                yield url

    def _text(self, page: str) -> str:
        """A page's text, empty where there is none."""
        path = _local(page)
        if path is not None:
            path = path / "index.html" if path.is_dir() else path
            return path.read_text(errors="replace") if path.is_file() else ""
        import requests  # noqa: PLC0415

        try:
            with self.access.get(page, {"Accept": "text/html"}) as response:
                return response.text if response.ok else ""
        except (requests.RequestException, OSError):
            return ""


def _interpreters(pin: Pin, env: Mapping[str, str]) -> Iterator[str]:
    """Where uv's mirror, or its list of downloads, has an archive of that name."""
    mirror, build = env.get("UV_PYTHON_INSTALL_MIRROR"), BUILD.search(pin.filename)
    if mirror and build:
        yield f"{mirror.rstrip('/')}/{build[1]}/{pin.filename.replace('+', '%2B')}"
    listing = env.get("UV_PYTHON_DOWNLOADS_JSON_URL", "")
    path = _local(listing) if "://" in listing else Path(listing)
    if not listing or path is None or not path.is_file():
        return
    for row in json.loads(path.read_text()).values():
        url = str(row.get("url", ""))
        if unquote(urlsplit(url).path).rpartition("/")[2] == pin.filename:
            yield url


def _local(url: str) -> Path | None:
    """The path of a `file://` address, None for any other."""
    return Path(url2pathname(urlsplit(url).path)) if urlsplit(url).scheme == "file" else None
