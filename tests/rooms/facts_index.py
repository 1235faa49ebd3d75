"""A package index that says of torch what the shipped tables say; tests then change its mind."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

from source_server import Server, reply

from builder.facts import tables
from builder.facts.upkeep.differing import Difference, differences, known
from builder.facts.upkeep.observing import Observed, observe
from builder.source.access import Access
from builder.source.package_index import PackageIndex
from builder.source.project_page import JSON
from builder.source.reader import Reader
from builder.source.settings import Settings

ROWS: dict[str, dict[str, Any]] = tables.shipped()["torch"]["releases"]
TODAY = "2026-11-26"
COMPANIONS = ("torchvision", "torchaudio")


@dataclass
class Index:
    """What the index says: project → file name → what its page says of it; and the bytes of wheels."""

    server: Server
    pages: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ranges: bool = True

    def add(self, project: str, name: str, day: str, *, asks: tuple[str, ...] = (), **more: Any) -> None:
        """A wheel with its METADATA, and `cuda` in torch/version.py unless it is None."""
        content = small_wheel(asks, more.pop("cuda", None))
        row = {"filename": name, "url": f"/files/{name}", "upload-time": f"{day}T10:00:00Z", "yanked": False}
        row["hashes"] = {"sha256": more.pop("sha256", hashlib.sha256(name.encode()).hexdigest())}
        self.pages.setdefault(project, {})[name] = row | more
        self.server.routes[f"/files/{name}"] = self.route(content)

    def publish(self) -> None:
        """Let the server say it."""
        for project, files in self.pages.items():
            page = json.dumps(
                {"meta": {"api-version": "1.1"}, "name": project, "files": list(files.values())}
            )
            self.server.routes[f"/simple/{project}/"] = _page(page.encode())

    def open(self, *, pause=lambda _: None) -> PackageIndex:
        """As envbuild asks it."""
        self.publish()
        url = f"{self.server.url}/simple"
        return PackageIndex(url=url, reader=Reader(access=Access(settings=Settings(index=url)), pause=pause))

    def without(self, project: str, pattern: str) -> None:
        """Take files from a page."""
        page = self.pages[project]
        self.pages[project] = {name: row for name, row in page.items() if not re.search(pattern, name)}

    def route(self, content: bytes):
        def route(handler):
            asked = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range", ""))
            if not asked or not self.ranges:
                with contextlib.suppress(ConnectionError):  # nobody reads it to its end
                    reply(handler, 200, content)
                handler.close_connection = True
                return None
            start = int(asked[1]) if asked[1] else max(0, len(content) - int(asked[2]))
            part = content[start : int(asked[2]) + 1 if asked[1] and asked[2] else None]
            span = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
            return reply(handler, 206, part, {"Content-Range": span})

        return route


def _page(content: bytes):
    return lambda handler: reply(handler, 200, content, {"Content-Type": JSON})


def small_wheel(asks: tuple[str, ...], cuda: str | None) -> bytes:
    """The files of a wheel that are read."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        lines = "".join(f"Requires-Dist: {one}\n" for one in asks)
        archive.writestr("x-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: x\nVersion: 1\n{lines}")
        if cuda is not None:
            told = "None" if cuda == "cpu" else repr(cuda)
            archive.writestr("torch/version.py", f"__version__ = '1'\ncuda: Optional[str] = {told}\n")
        archive.writestr("torch/lib/large.so", bytes(200_000))
    return held.getvalue()


def like_the_tables(server: Server) -> Index:
    """The index of the day on which the tables were verified."""
    index = Index(server=server)
    for release, row in ROWS.items():
        for stem, sha256 in tables.wheels()[release].items():
            day = row["released"] if not stem.startswith("3-") else "2026-03-11"
            arch = "x86_64" if stem.endswith("x86_64") else "aarch64"
            cuda = row["default_cuda"][arch]
            add_torch(index, release, stem, day, cuda=cuda, sha256=sha256)
    for package in COMPANIONS:
        for version, torches in _pairs(package).items():
            newest = max(torches, key=lambda release: ROWS[release]["released"])
            name = f"{package}-{version}-cp311-cp311-manylinux_2_28_x86_64.whl"
            index.add(package, name, ROWS[newest]["released"], asks=_asks(package, version, torches))
    for version in ("0.16.0", "0.17.0", "0.18.0"):
        index.add("torchao", f"torchao-{version}-py3-none-any.whl", "2026-08-03")
    return index


def add_torch(index: Index, release: str, stem: str, day: str, *, cuda: str, sha256: str = "") -> None:
    """A torch wheel that asks for what the row of that release, or of the newest, says."""
    row = ROWS.get(release) or ROWS["2.15.0"]
    asks: tuple[str, ...] = ("filelock", 'optree>=0.13.0; extra == "optree"')
    inside = cuda == "cpu" or "cudnn" not in row  # old wheels carry CUDA, and name it in version.py alone
    if not inside:
        linux = 'platform_system == "Linux"'
        toolkit = (
            f"cuda-toolkit[cublas]=={cuda}.2" if cuda >= "13" else f"nvidia-cuda-runtime-cu12=={cuda}.90"
        )
        asks += (f"{toolkit}; {linux}", f"nvidia-cudnn-cu12=={row['cudnn']}; {linux}")
        asks += (f"nvidia-nccl-cu12=={row['nccl']}; {linux}",) if "nccl" in row else ()
        asks += (f'triton=={row["triton"]}; {linux} and python_version < "3.16"',) if "triton" in row else ()
    more = {"sha256": sha256} if sha256 else {}
    index.add("torch", f"torch-{release}-{stem}.whl", day, asks=asks, cuda=cuda if inside else None, **more)


def _pairs(package: str) -> dict[str, list[str]]:
    """Companion → the torch releases that it fits."""
    found: dict[str, list[str]] = {}
    for release, row in ROWS.items():
        for version in row[package]:
            found.setdefault(version, []).append(release)
    return found


def _asks(package: str, version: str, torches: list[str]) -> tuple[str, ...]:
    if package == "torchaudio" and version == "2.11.0":
        return ()
    return (f"torch=={torches[0]}",) if len(torches) == 1 else ("torch>=2.14.0",)


def asked(index: Index) -> Observed:
    nowhere = f"{index.server.url}/whl"
    return observe(index.open(), pytorch=nowhere, matrix=f"{nowhere}/RELEASE.md")


def changes(observed: Observed) -> list[Difference]:
    return list(differences(known(None), observed, TODAY))


def pytorch_page(builds: dict[str, list[str]]) -> bytes:
    rows = "".join(
        f'<a href="/whl/{build}/torch-{release}%2B{build}-cp311-cp311-manylinux_2_28_x86_64.whl">x</a><br/>\n'
        for release, names in builds.items()
        for build in names
    )
    return f"<!DOCTYPE html><html><body>{rows}</body></html>".encode()
