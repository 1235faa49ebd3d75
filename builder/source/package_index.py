"""This machine's package index as something to ask: which files a project has, what a wheel asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from builder.errors import OutsideError
from builder.source import pip_settings, uv_settings, wheel_parts
from builder.source.access import Access
from builder.source.host import is_offline
from builder.source.project_page import ACCEPT, IndexFile, parse
from builder.source.reader import Answer, Reader
from builder.source.scrub import shown

PUBLIC = "https://pypi.org/simple"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageIndex:
    """Asks. `url` may hold a login; show `address`. A question without an answer raises `OutsideError`."""

    url: str
    reader: Reader

    @property
    def address(self) -> str:
        """The index, fit for messages and files."""
        return shown(self.url)

    def at(self, url: str) -> PackageIndex:
        """Another index, asked with the same settings."""
        return PackageIndex(url=url, reader=self.reader)

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """What the index has of a project."""
        page = f"{self.url.rstrip('/')}/{project}/"
        answer = self.page(page)
        try:
            return parse(answer.content, answer.kind, page)
        except ValueError as error:
            raise self.reader.failed(page, f"it is no page of an index: {error}") from error

    def page(self, url: str) -> Answer:
        """A page of text."""
        if urlsplit(url).scheme == "file":
            return _local(Path(url2pathname(urlsplit(url).path)))
        answer = self.reader.read(url, {"Accept": ACCEPT})
        if answer.status != 200:
            raise self.reader.failed(url, f"the server answered {answer.status}")
        return answer

    def metadata(self, wheel: IndexFile) -> bytes:
        """A wheel's METADATA; see `wheel_parts.metadata`."""
        return wheel_parts.metadata(self.reader, wheel.url, own_file=wheel.metadata)

    def member(self, wheel: IndexFile, ending: str) -> bytes:
        """One file of a wheel; see `wheel_parts.member`."""
        return wheel_parts.member(self.reader, wheel.url, ending)


def open_index(env: Mapping[str, str] | None = None) -> PackageIndex:
    """The index that pip uses here. Raises `OutsideError` where none may be asked."""
    env = os.environ if env is None else env
    if is_offline(env):
        raise OutsideError.of("offline, no index can be asked", hint="unset ENVBUILD_OFFLINE")
    settings = uv_settings.merged(pip_settings.read(env), env)
    if settings.no_index:
        raise OutsideError.of(
            "pip's settings say no-index", hint="PIP_NO_INDEX=0 asks the index all the same"
        )
    return PackageIndex(url=settings.index or PUBLIC, reader=Reader(access=Access(settings=settings)))


def _local(path: Path) -> Answer:
    path = path / "index.html" if path.is_dir() else path
    try:
        return Answer(status=200, kind="text/html", content=path.read_bytes(), size=None)
    except OSError as error:
        raise OutsideError.of(f"{path} cannot be read: {error.strerror}") from error
