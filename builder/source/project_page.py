"""One project's page of a package index, as JSON (PEP 691, 700) or HTML (PEP 503) → its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from html import unescape
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

LINK = re.compile(r"<a\s.*?</a>", re.IGNORECASE | re.DOTALL)
SHA256 = re.compile(r"[0-9a-f]{64}")
HREF = re.compile(r"""href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """One file that an index offers. `uploaded` is a day (`2026-10-28`); what an index does not tell is None.

    `metadata`: whether the index has the wheel's METADATA as a file of its own (PEP 658).
    """

    filename: str
    url: str
    sha256: str | None
    size: int | None
    uploaded: str | None
    yanked: bool
    metadata: bool


def parse(content: bytes, kind: str, page: str) -> tuple[IndexFile, ...]:
    """The files of a page. `kind` is its Content-Type, `page` its address, that links are relative to.

    Raises `ValueError` for what is neither.
    """
    if kind.partition(";")[0].strip().endswith("json"):
        return tuple(_of_json(json.loads(content), page))
    if b"<" not in content:
        raise ValueError("neither JSON nor HTML")
    return tuple(_of_html(content.decode("utf-8", "replace"), page))


def _of_json(document: object, page: str) -> Iterator[IndexFile]:
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, list):
        raise ValueError("JSON without a list of files")
    for one in files:
        if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in ("filename", "url")):
            raise ValueError("a file without name and address")
        hashes, size, uploaded = one.get("hashes"), one.get("size"), one.get("upload-time")
        yield IndexFile(
            filename=one["filename"],
            url=urljoin(page, one["url"]),
            sha256=_sha256(hashes.get("sha256")) if isinstance(hashes, dict) else None,
            size=size if isinstance(size, int) else None,
            uploaded=_day(uploaded),
            yanked=bool(one.get("yanked")),
            metadata=bool(one.get("core-metadata", one.get("dist-info-metadata"))),
        )


def _sha256(text: object) -> str | None:
    return text if isinstance(text, str) and SHA256.fullmatch(text) else None


def _day(text: object) -> str | None:
    """The day of a time; None for what is none."""
    try:
        return date.fromisoformat(text[:10]).isoformat() if isinstance(text, str) else None
    except ValueError:
        return None


def _of_html(text: str, page: str) -> Iterator[IndexFile]:
    for link in LINK.findall(text):
        href = HREF.search(link)
        if href is None:
            continue
        url, fragment = urldefrag(urljoin(page, unescape(href[1])))
        yield IndexFile(
            filename=unquote(urlsplit(url).path).rpartition("/")[2],
            url=url,
            sha256=_sha256(fragment.removeprefix("sha256=")),
            size=None,
            uploaded=None,
            yanked="data-yanked" in link,
            metadata="data-core-metadata" in link or "data-dist-info-metadata" in link,
        )
